/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_RESULTS_HPP
#define MIGRATE_RESULTS_HPP

/**
 * @file
 * What calls give and what they throw: migrations, reports, plans, errors. Part of migrate.hpp, which says the
 * rules. Since 0.1.
 */

#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) < 201703L
#  error "libmigrate's C++ headers need C++17"
#endif

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <migrate/migrate.h>

/* An exception thrown in one library is caught in another, also when they hide what they can. */
#if defined(__GNUC__)
#  define MIGRATE_VISIBLE __attribute__((visibility("default")))
#else
#  define MIGRATE_VISIBLE
#endif

namespace migrate {

namespace detail {

inline std::string_view view(const char *text) noexcept
{
    return text ? std::string_view(text) : std::string_view();
}

/** Calls the C function that frees a handle. */
struct freer {
    void operator()(migrate_ctx *p) const noexcept { migrate_ctx_free(p); }
    void operator()(migrate_plan *p) const noexcept { migrate_plan_free(p); }
    void operator()(migrate_report *p) const noexcept { migrate_report_free(p); }
    void operator()(migrate_error *p) const noexcept { migrate_error_free(p); }
};

template <class T> using handle = std::unique_ptr<T, freer>;

} // namespace detail

/* ---- items, reports, plans --------------------------------------------------- */

/** A migration in a plan, report or event, which lends it. */
class item {
public:
    explicit item(const migrate_item *p) noexcept : p_(p) {}
    const migrate_item *get() const noexcept { return p_; }
    std::string_view version() const noexcept { return detail::view(migrate_item_version(p_)); }
    std::string_view name() const noexcept { return detail::view(migrate_item_name(p_)); }
    std::string_view path() const noexcept { return detail::view(migrate_item_path(p_)); }
    std::string_view checksum() const noexcept { return detail::view(migrate_item_checksum(p_)); }
    std::string_view note() const noexcept { return detail::view(migrate_item_note(p_)); }
    std::string_view state_name() const noexcept { return detail::view(migrate_state_name(state())); }
    std::uint32_t kind() const noexcept { return migrate_item_kind(p_); }
    std::uint32_t state() const noexcept { return migrate_item_state(p_); }
    std::uint32_t direction() const noexcept { return migrate_item_direction(p_); }
    std::uint32_t flags() const noexcept { return migrate_item_flags(p_); }
    std::uint64_t statements() const noexcept { return migrate_item_statements(p_); }
    std::uint64_t done() const noexcept { return migrate_item_done(p_); }
    std::int64_t applied_at_ms() const noexcept { return migrate_item_applied_at_ms(p_); }
    std::int64_t elapsed_ms() const noexcept { return migrate_item_elapsed_ms(p_); }

private:
    const migrate_item *p_;
};

namespace detail {

/** Walks what has size() and operator[]. */
template <class List> class iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = item;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = item;

    iterator(const List *list, std::size_t at) noexcept : list_(list), at_(at) {}
    item operator*() const noexcept { return (*list_)[at_]; }
    iterator &operator++() noexcept
    {
        ++at_;
        return *this;
    }
    iterator operator++(int) noexcept { return iterator(list_, at_++); }
    bool operator==(const iterator &other) const noexcept { return at_ == other.at_; }
    bool operator!=(const iterator &other) const noexcept { return at_ != other.at_; }

private:
    const List *list_;
    std::size_t at_;
};

} // namespace detail

/** What a call did or found: report.h. Shared by its copies; it outlives its context. */
class report {
public:
    explicit report(migrate_report *taken) : p_(taken, detail::freer()) {}
    const migrate_report *get() const noexcept { return p_.get(); }
    std::uint32_t state() const noexcept { return migrate_report_state(get()); }
    std::string_view state_name() const noexcept { return detail::view(migrate_state_name(state())); }
    std::string_view version() const noexcept { return detail::view(migrate_report_version(get())); }
    std::uint64_t pending() const noexcept { return migrate_report_pending(get()); }
    std::uint64_t applied() const noexcept { return migrate_report_applied(get()); }
    std::uint64_t reverted() const noexcept { return migrate_report_reverted(get()); }
    std::int64_t elapsed_ms() const noexcept { return migrate_report_elapsed_ms(get()); }
    std::string_view text() const noexcept { return detail::view(migrate_report_text(get())); }
    std::string_view json() const noexcept { return detail::view(migrate_report_json(get())); }

    std::size_t size() const noexcept { return migrate_report_count(get()); }
    bool empty() const noexcept { return size() == 0; }
    item operator[](std::size_t index) const noexcept { return item(migrate_report_item(get(), index)); }
    detail::iterator<report> begin() const noexcept { return { this, 0 }; }
    detail::iterator<report> end() const noexcept { return { this, size() }; }

private:
    std::shared_ptr<migrate_report> p_;
};

/** What a run would do: plan.h. */
class plan {
public:
    explicit plan(migrate_plan *taken) noexcept : p_(taken) {}
    const migrate_plan *get() const noexcept { return p_.get(); }
    std::string_view json() const noexcept { return detail::view(migrate_plan_json(get())); }

    std::size_t size() const noexcept { return migrate_plan_count(get()); }
    bool empty() const noexcept { return size() == 0; }
    item operator[](std::size_t index) const noexcept { return item(migrate_plan_step(get(), index)); }
    detail::iterator<plan> begin() const noexcept { return { this, 0 }; }
    detail::iterator<plan> end() const noexcept { return { this, size() }; }

private:
    detail::handle<migrate_plan> p_;
};

/** A statement of a plan, lent to the callback that receives it. */
class statement {
public:
    explicit statement(const migrate_statement *p) noexcept : p_(p) {}
    std::string_view text() const noexcept
    {
        std::size_t len = 0;
        const char *data = migrate_statement_text(p_, &len);
        return std::string_view(data, len);
    }
    std::uint64_t line() const noexcept { return migrate_statement_line(p_); }
    std::uint32_t flags() const noexcept { return migrate_statement_flags(p_); }
    std::string_view note() const noexcept { return detail::view(migrate_statement_note(p_)); }

private:
    const migrate_statement *p_;
};

/* ---- failures ---------------------------------------------------------------- */

/** Why a call failed: error.h. what() is the whole message for people, several lines. */
class MIGRATE_VISIBLE error : public std::exception {
public:
    /** Takes what a C call left; none is no memory. */
    explicit error(migrate_error *taken, std::optional<migrate::report> got = std::nullopt)
        : kept_(std::make_shared<kept>(kept{ detail::handle<migrate_error>(taken), std::move(got) }))
    {
        (void)what(); /* the text is made when first asked for, which two threads may do */
    }
    /** For callbacks that fail: `throw migrate::error(MIGRATE_E_CALLBACK, "vault is sealed");` */
    error(migrate_status status, const std::string &message, const std::string &hint = std::string())
        : error(made(status, message, hint))
    {
    }

    const char *what() const noexcept override { return migrate_error_text(get()); }
    const migrate_error *get() const noexcept { return kept_->err.get(); }
    migrate_status status() const noexcept { return migrate_error_status(get()); }
    const char *status_name() const noexcept { return migrate_status_name(status()); }
    /** The same call can succeed later with nothing changed by a human. */
    bool retryable() const noexcept { return migrate_status_retryable(status()) != 0; }
    std::string_view message() const noexcept { return detail::view(migrate_error_message(get())); }
    std::string_view hint() const noexcept { return detail::view(migrate_error_hint(get())); }
    std::string_view state() const noexcept { return detail::view(migrate_error_state(get())); }
    std::string_view json() const noexcept { return detail::view(migrate_error_json(get())); }
    std::string_view sqlstate() const noexcept { return detail::view(migrate_error_sqlstate(get())); }
    std::int32_t code() const noexcept { return migrate_error_code(get()); }
    std::string_view version() const noexcept { return detail::view(migrate_error_version(get())); }
    std::string_view path() const noexcept { return detail::view(migrate_error_path(get())); }
    std::uint64_t line() const noexcept { return migrate_error_line(get()); }
    std::uint64_t column() const noexcept { return migrate_error_column(get()); }
    std::uint64_t statement() const noexcept { return migrate_error_statement(get()); }
    /** How far the call got, where it learnt that. */
    const std::optional<migrate::report> &report() const noexcept { return kept_->report; }

    /** For callbacks in C: gives the error to @p err, which may be NULL, and returns its status. */
    migrate_status pass_on(migrate_error **err) const noexcept
    {
        migrate_status s = status();
        if (err && kept_.use_count() == 1)
            *err = kept_->err.release();
        else if (err) /* somebody holds a copy, which stays whole */
            s = migrate_error_make(err, s, migrate_error_message(get()), migrate_error_hint(get()));
        return s;
    }

private:
    struct kept {
        detail::handle<migrate_error> err;
        std::optional<migrate::report> report;
    };
    std::shared_ptr<kept> kept_; /* an exception is copied, and its copies may not throw */

    static migrate_error *made(migrate_status status, const std::string &message, const std::string &hint)
    {
        migrate_error *err = nullptr;
        migrate_error_make(&err, status, message.c_str(), hint.empty() ? nullptr : hint.c_str());
        return err;
    }
};

/** Class 1: the call is wrong. */
class MIGRATE_VISIBLE caller_error : public error {
    using error::error;
};
/** Class 2: this process has no memory, descriptor or disk left. */
class MIGRATE_VISIBLE process_error : public error {
    using error::error;
};
/** Class 3: a migration cannot be read. */
class MIGRATE_VISIBLE source_error : public error {
    using error::error;
};
/** Class 4: history and source disagree; a human decides. */
class MIGRATE_VISIBLE state_error : public error {
    using error::error;
};
/** Class 5: the migration lock. */
class MIGRATE_VISIBLE lock_error : public error {
    using error::error;
};
/** Class 6: the database. */
class MIGRATE_VISIBLE database_error : public error {
    using error::error;
};
/** Class 7: asked to stop, or out of time; the same call goes on from there. */
class MIGRATE_VISIBLE stopped : public error {
    using error::error;
};
/** Class 9: a bug, in the library or in a driver, source or lock. */
class MIGRATE_VISIBLE bug : public error {
    using error::error;
};

namespace detail {

[[noreturn]] inline void raise(migrate_status status, handle<migrate_error> err, std::optional<report> got)
{
    migrate_error *p = err.release();
    if (!p)
        migrate_error_make(&p, status, nullptr, nullptr);
    switch (MIGRATE_STATUS_CLASS(status)) {
    case MIGRATE_CLASS_CALLER: throw caller_error(p, std::move(got));
    case MIGRATE_CLASS_PROCESS: throw process_error(p, std::move(got));
    case MIGRATE_CLASS_SOURCE: throw source_error(p, std::move(got));
    case MIGRATE_CLASS_STATE: throw state_error(p, std::move(got));
    case MIGRATE_CLASS_LOCK: throw lock_error(p, std::move(got));
    case MIGRATE_CLASS_DATABASE: throw database_error(p, std::move(got));
    case MIGRATE_CLASS_STOPPED: throw stopped(p, std::move(got));
    case MIGRATE_CLASS_BUG: throw bug(p, std::move(got));
    default: throw error(p, std::move(got)); /* a class of a newer library */
    }
}

} // namespace detail
} // namespace migrate

#endif /* MIGRATE_RESULTS_HPP */
