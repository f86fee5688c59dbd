/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_MIGRATE_HPP
#define MIGRATE_MIGRATE_HPP

/**
 * @file
 * The C API for C++17: handles that free themselves, failures as exceptions, callbacks as functions. It is a header
 * and nothing else, over the stable C ABI; what a call means is said in the C header that declares it, and what is
 * not here is had from the C API by get(). Constants are those of the C headers. Since 0.1.
 *
 * Failure     throws migrate::error, or the class derived from it that stands for the class of the status.
 * Text        comes as std::string_view, lent by the object it was read from; empty where C says NULL.
 * Callbacks   may throw. A migrate::error goes on as the failure it is, and the engine treats it so (a deadlock is
 *             repeated). Any other exception stops the run and comes out of the call as the object it was.
 * Moved from  objects may be assigned to or destroyed, no more.
 */

#include <functional>
#include <vector>

#include <migrate/drivers.h>
#include <migrate/results.hpp>
#include <migrate/source.h>

namespace migrate {

/** A value of a row, or of a parameter; none is SQL NULL. */
using value = std::optional<std::string>;
/** A row of a result. */
using row = std::vector<value>;

namespace detail {

/** Runs what may throw for a callback in C; @p other keeps an exception that is none of ours. */
template <class F> migrate_status guarded(std::exception_ptr &other, migrate_error **err, F &&fn) noexcept
{
    const char *what = "an exception that is no std::exception";
    try {
        fn();
        return MIGRATE_OK;
    } catch (const error &e) {
        return e.pass_on(err);
    } catch (const std::exception &e) {
        other = std::current_exception(); /* which keeps e.what() */
        what = e.what();
    } catch (...) {
        other = std::current_exception();
    }
    return err ? migrate_error_make(err, MIGRATE_E_CALLBACK, what, nullptr) : MIGRATE_E_CALLBACK;
}

/** A callback failed, in @p err or in what caused it. */
inline bool by_callback(migrate_status status, const migrate_error *err) noexcept
{
    for (; err && status != MIGRATE_E_CALLBACK; err = migrate_error_cause(err))
        status = migrate_error_status(err);
    return status == MIGRATE_E_CALLBACK;
}

/** Where a context keeps what a callback threw, until the call that made it returns. */
struct thrown {
    std::exception_ptr other;

    /** Throws what a failed call is to throw. */
    void check(migrate_status status, migrate_error *taken, migrate_report *got = nullptr)
    {
        handle<migrate_error> err(taken);
        handle<migrate_report> learnt(got);
        std::exception_ptr mine = std::exchange(other, nullptr);
        if (status == MIGRATE_OK)
            return (void)learnt.release();
        if (mine && by_callback(status, err.get()))
            std::rethrow_exception(mine);
        std::optional<report> with;
        if (learnt)
            with.emplace(learnt.release());
        raise(status, std::move(err), std::move(with));
    }
};

/** What the C API carries as `user`: a function, and where its exceptions go. */
template <class F> struct callback {
    thrown *to;
    F fn;
    static void release(void *user) { delete static_cast<callback *>(user); }
};

} // namespace detail

/* ---- what callbacks receive ---------------------------------------------------- */

/** What just happened, lent to the callback: event.h. */
class event {
public:
    explicit event(const migrate_event *p) noexcept : p_(p) {}
    const migrate_event *get() const noexcept { return p_; }
    std::uint32_t type() const noexcept { return migrate_event_type(p_); }
    std::uint32_t level() const noexcept { return migrate_event_level(p_); }
    std::string_view text() const noexcept { return detail::view(migrate_event_text(p_)); }
    std::string_view json() const noexcept { return detail::view(migrate_event_json(p_)); }
    migrate_status status() const noexcept { return migrate_event_status(p_); }
    /** The migration concerned; all its texts are empty if there is none. */
    migrate::item item() const noexcept { return migrate::item(migrate_event_item(p_)); }
    std::uint64_t index() const noexcept { return migrate_event_index(p_); }
    std::uint64_t total() const noexcept { return migrate_event_total(p_); }
    std::int64_t elapsed_ms() const noexcept { return migrate_event_elapsed_ms(p_); }

private:
    const migrate_event *p_;
};

/** A question for credentials, lent to the callback: credentials.h. */
class login {
public:
    explicit login(migrate_login *p) noexcept : p_(p) {}
    std::uint32_t reason() const noexcept { return migrate_login_reason(p_); }
    std::string_view url() const noexcept { return detail::view(migrate_login_url(p_)); }
    std::int64_t remaining_ms() const noexcept { return migrate_login_remaining_ms(p_); }
    login &set(const char *key, const std::string &text)
    {
        migrate_error *err = nullptr;
        detail::thrown().check(migrate_login_set(p_, key, text.c_str(), &err), err);
        return *this;
    }

private:
    migrate_login *p_;
};

/** Runs SQL for a code migration until that returns: source.h. */
class executor {
public:
    explicit executor(migrate_executor *p) noexcept : p_(p) {}

    /** Runs statements; the rows of the last one that has any go to @p on_row. With @p params, @p sql is one
     *  statement that holds that many `?`. */
    void exec(std::string_view sql, const row &params = {}, const std::function<void(const row &)> &on_row = {})
    {
        std::vector<migrate_text> texts;
        for (const value &v : params)
            texts.push_back(v ? migrate_text{ v->data(), v->size() } : migrate_text{ nullptr, 0 });
        rows to{ on_row, nullptr };
        migrate_error *err = nullptr;
        migrate_status s = p_->exec(p_, sql.data(), sql.size(), texts.data(), static_cast<std::uint32_t>(texts.size()),
                                    on_row ? take : nullptr, &to, &err);
        detail::handle<migrate_error> kept(err);
        if (to.other)
            std::rethrow_exception(to.other);
        detail::thrown().check(s, kept.release());
    }
    /** Likewise, and gives the rows. */
    std::vector<row> query(std::string_view sql, const row &params = {})
    {
        std::vector<row> found;
        exec(sql, params, [&found](const row &r) { found.push_back(r); });
        return found;
    }
    /** For code that waits or computes: throws migrate::stopped when it is to end. */
    void tick() { detail::thrown().check(p_->tick(p_), nullptr); }

private:
    struct rows {
        const std::function<void(const row &)> &fn;
        std::exception_ptr other;
    };
    migrate_executor *p_;

    static std::int32_t take(void *user, std::uint32_t n, const migrate_text *cols)
    {
        rows &to = *static_cast<rows *>(user);
        try {
            row r(n);
            for (std::uint32_t i = 0; i < n; i++) {
                if (cols[i].data)
                    r[i].emplace(cols[i].data, cols[i].len);
            }
            to.fn(r);
            return 0;
        } catch (...) {
            to.other = std::current_exception();
            return 1;
        }
    }
};

/* ---- the context ------------------------------------------------------------- */

/** What to run; migrate_run_options with texts that live as long as it. */
struct run_options {
    std::uint32_t direction = MIGRATE_DIRECTION_UP;
    std::uint32_t flags = 0;           /**< MIGRATE_RUN_* */
    std::optional<std::string> target; /**< UP: last version to apply; DOWN, REDO: last to keep */
    std::uint64_t steps = 0;           /**< how many; 0: all for UP, one for DOWN and REDO */
    std::int64_t deadline_ms = 0;      /**< 0: option `deadline` */
};

/** One source, one database, options: context.h. */
class context {
public:
    using event_fn = std::function<void(const event &)>;
    using credentials_fn = std::function<void(login &)>;
    using code_fn = std::function<void(std::uint32_t direction, executor &)>;
    using statement_fn = std::function<void(const statement &)>;
    using write_fn = std::function<void(std::string_view)>;

    context() : thrown_(std::make_unique<detail::thrown>())
    {
        migrate_ctx *ctx = nullptr;
        call([&](migrate_error **err) { return migrate_ctx_new(&ctx, err); });
        ctx_.reset(ctx);
    }

    context(context &&other) noexcept = default;
    context &operator=(context &&other) noexcept
    {
        ctx_.reset(); /* while what its callbacks know is still there */
        thrown_ = std::move(other.thrown_);
        ctx_ = std::move(other.ctx_);
        return *this;
    }

    migrate_ctx *get() const noexcept { return ctx_.get(); }

    /* ---- set and use ---- */

    context &set(const std::string &key, const std::string &text)
    {
        return call([&](migrate_error **err) { return migrate_ctx_set(get(), key.c_str(), text.c_str(), err); });
    }
    /** Puts the default back. */
    context &unset(const std::string &key)
    {
        return call([&](migrate_error **err) { return migrate_ctx_set(get(), key.c_str(), nullptr, err); });
    }
    /** Value in force, the default included. */
    value get(const std::string &key) const
    {
        const char *text = migrate_ctx_get(get(), key.c_str());
        return text ? value(text) : value();
    }
    context &add_driver(const migrate_driver *driver)
    {
        return call([&](migrate_error **err) { return migrate_ctx_add_driver(get(), driver, err); });
    }
    context &load_driver(const std::string &file, std::uint32_t flags = 0, const char *name = nullptr)
    {
        return call([&](migrate_error **e) { return migrate_ctx_load_driver(get(), file.c_str(), name, flags, e); });
    }
    context &use_dir(const std::string &path)
    {
        return call([&](migrate_error **err) { return migrate_ctx_use_dir(get(), path.c_str(), err); });
    }
    /** A source as source.h has it; @p self is freed with ops->free. */
    context &use_source(const migrate_source_ops *ops, void *self)
    {
        return call([&](migrate_error **err) { return migrate_ctx_use_source(get(), ops, self, err); });
    }
    /** A lock as lock.h has it; @p self is freed with ops->free. */
    context &use_lock(const migrate_lock_ops *ops, void *self)
    {
        return call([&](migrate_error **err) { return migrate_ctx_use_lock(get(), ops, self, err); });
    }
    context &add_file(const std::string &path, std::string_view text)
    {
        return call(
            [&](migrate_error **e) { return migrate_ctx_add_file(get(), path.c_str(), text.data(), text.size(), e); });
    }
    /** Adds a migration that is code: @p fn gets MIGRATE_DIRECTION_UP or, with #MIGRATE_CODE_REVERSIBLE in @p flags,
     *  DOWN. It is called again when a transaction is repeated. */
    context &add_code(const std::string &path, code_fn fn,
                      std::uint32_t flags = 0, const std::optional<std::string> &checksum = std::nullopt)
    {
        auto *user = keep(std::move(fn));
        return call([&](migrate_error **err) {
            return migrate_ctx_add_code(get(), path.c_str(), checksum ? checksum->c_str() : nullptr, flags,
                                        run_code, user, user->release, err);
        });
    }
    /** Sets the receiver of events; an empty function: none. */
    context &on_event(event_fn fn)
    {
        auto *user = fn ? keep(std::move(fn)) : nullptr;
        migrate_ctx_on_event(get(), user ? give_event : nullptr, user, user ? user->release : nullptr);
        return *this;
    }
    /** Sets who is asked for credentials; an empty function: the URL alone. */
    context &on_credentials(credentials_fn fn)
    {
        auto *user = fn ? keep(std::move(fn)) : nullptr;
        migrate_ctx_on_credentials(get(), user ? ask : nullptr, user, user ? user->release : nullptr);
        return *this;
    }

    /* ---- the connection ---- */

    context &open(const std::string &url)
    {
        return call([&](migrate_error **err) { return migrate_ctx_open(get(), url.c_str(), err); });
    }
    /** Uses the application's own `sqlite3 *`, `PGconn *` or `MYSQL *`. */
    context &adopt(const std::string &driver, void *native)
    {
        return call([&](migrate_error **err) { return migrate_ctx_adopt(get(), driver.c_str(), native, err); });
    }
    context &use_dialect(const std::string &dialect)
    {
        return call([&](migrate_error **err) { return migrate_ctx_use_dialect(get(), dialect.c_str(), err); });
    }
    void close() noexcept { migrate_ctx_close(get()); }

    /* ---- from other threads and signal handlers ---- */

    void stop() noexcept { migrate_ctx_stop(get()); }
    void cancel() noexcept { migrate_ctx_cancel(get()); }
    migrate_status asked() const noexcept { return migrate_ctx_asked(get()); }
    void resume() noexcept { migrate_ctx_resume(get()); }

    /* ---- calls: run.h, plan.h, report.h ---- */

    /** Applies, reverts or redoes. */
    report run(const run_options &options = {})
    {
        migrate_run_options o = c_options(options);
        return reported([&](migrate_report **out, migrate_error **err) { return migrate_run(get(), &o, out, err); });
    }
    /** Applies what is pending. */
    report up() { return run(); }
    plan make_plan(const run_options &options = {})
    {
        migrate_run_options o = c_options(options);
        migrate_plan *out = nullptr;
        call([&](migrate_error **err) { return migrate_plan_make(get(), &o, &out, err); });
        return plan(out);
    }
    report apply(const plan &made)
    {
        return reported([&](migrate_report **out, migrate_error **err) {
            return migrate_plan_apply(get(), made.get(), out, err);
        });
    }
    /** Gives each statement of step @p index to @p fn. */
    context &statements(const plan &made, std::size_t index, const statement_fn &fn)
    {
        detail::callback<statement_fn> user{ thrown_.get(), fn };
        return call([&](migrate_error **err) {
            return migrate_plan_statements(get(), made.get(), index, give_statement, &user, err);
        });
    }
    /** One script that psql, mysql or sqlite3 can run by hand, piece by piece. */
    context &script(const plan &made, const write_fn &fn)
    {
        detail::callback<write_fn> user{ thrown_.get(), fn };
        return call([&](migrate_error **err) {
            return migrate_plan_script(get(), made.get(), write, &user, err);
        });
    }
    report inspect() { return simple(migrate_inspect); }
    report verify() { return simple(migrate_verify); }
    report hash() { return simple(migrate_hash); }
    report lock_inspect() { return simple(migrate_lock_inspect); }
    report init(std::uint32_t flags = 0) { return simple(migrate_init, flags); }
    report baseline(const std::string &version) { return simple(migrate_baseline, version.c_str()); }
    report resolve(const std::string &version, std::uint32_t flags)
    {
        return simple(migrate_resolve, version.c_str(), flags);
    }
    report wait(const std::string &url) { return simple(migrate_wait, url.c_str()); }
    report create(const std::string &name, std::uint32_t flags = 0)
    {
        return simple(migrate_create, name.c_str(), flags);
    }
    /** @p seen: only the holder that it names is removed. */
    report lock_break(const std::optional<report> &seen = std::nullopt)
    {
        return simple(migrate_lock_break, seen ? seen->get() : nullptr);
    }

private:
    template <class F> context &call(F &&fn)
    {
        migrate_error *err = nullptr;
        migrate_status s = fn(&err);
        thrown_->check(s, err);
        return *this;
    }
    template <class F> report reported(F &&fn)
    {
        migrate_report *out = nullptr;
        migrate_error *err = nullptr;
        migrate_status s = fn(&out, &err);
        thrown_->check(s, err, out);
        return report(out);
    }
    template <class F, class... Args> report simple(F &&fn, Args... args)
    {
        return reported([&](migrate_report **out, migrate_error **err) { return fn(get(), args..., out, err); });
    }
    template <class F> detail::callback<F> *keep(F fn)
    {
        return new detail::callback<F>{ thrown_.get(), std::move(fn) };
    }
    static migrate_run_options c_options(const run_options &o)
    {
        migrate_run_options c = MIGRATE_RUN_OPTIONS_INIT;
        c.direction = o.direction;
        c.flags = o.flags;
        c.target = o.target ? o.target->c_str() : nullptr;
        c.steps = o.steps;
        c.deadline_ms = o.deadline_ms;
        return c;
    }

    /* What C calls. */
    static migrate_status run_code(void *user, std::uint32_t direction, migrate_executor *x, migrate_error **err)
    {
        auto &to = *static_cast<detail::callback<code_fn> *>(user);
        return detail::guarded(to.to->other, err, [&] {
            executor run(x);
            to.fn(direction, run);
        });
    }
    static migrate_status give_event(void *user, const migrate_event *e)
    {
        auto &to = *static_cast<detail::callback<event_fn> *>(user);
        return detail::guarded(to.to->other, nullptr, [&] { to.fn(event(e)); });
    }
    static migrate_status ask(void *user, migrate_login *question, migrate_error **err)
    {
        auto &to = *static_cast<detail::callback<credentials_fn> *>(user);
        return detail::guarded(to.to->other, err, [&] {
            login answer(question);
            to.fn(answer);
        });
    }
    static migrate_status give_statement(void *user, const migrate_statement *s)
    {
        auto &to = *static_cast<detail::callback<statement_fn> *>(user);
        return detail::guarded(to.to->other, nullptr, [&] { to.fn(statement(s)); });
    }
    static migrate_status write(void *user, const char *data, std::size_t len)
    {
        auto &to = *static_cast<detail::callback<write_fn> *>(user);
        return detail::guarded(to.to->other, nullptr, [&] { to.fn(std::string_view(data, len)); });
    }

    std::unique_ptr<detail::thrown> thrown_; /* outlives the context, whose callbacks know it */
    detail::handle<migrate_ctx> ctx_;
};

} // namespace migrate

#endif /* MIGRATE_MIGRATE_HPP */
