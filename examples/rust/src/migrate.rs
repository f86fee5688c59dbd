/* SPDX-License-Identifier: Apache-2.0 */

//! As much of the C API as a service's start-up needs, and a safe `up()` over it.

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_void};
use std::{fmt, ptr};

/// A handle of the library, which Rust never looks into.
#[repr(C)]
pub struct Opaque {
    _private: [u8; 0],
}

type Ptr = *mut Opaque;

extern "C" {
    fn migrate_sqlite_driver() -> *const Opaque;
    fn migrate_ctx_new(out: *mut Ptr, err: *mut Ptr) -> i32;
    fn migrate_ctx_free(ctx: Ptr);
    fn migrate_ctx_add_driver(ctx: Ptr, driver: *const Opaque, err: *mut Ptr) -> i32;
    fn migrate_ctx_use_dir(ctx: Ptr, path: *const c_char, err: *mut Ptr) -> i32;
    fn migrate_ctx_open(ctx: Ptr, url: *const c_char, err: *mut Ptr) -> i32;
    fn migrate_run(ctx: Ptr, options: *const c_void, out: *mut Ptr, err: *mut Ptr) -> i32;
    fn migrate_report_applied(report: *const Opaque) -> u64;
    fn migrate_report_state(report: *const Opaque) -> u32;
    fn migrate_report_version(report: *const Opaque) -> *const c_char;
    fn migrate_report_free(report: Ptr);
    fn migrate_state_name(state: u32) -> *const c_char;
    fn migrate_error_text(err: *const Opaque) -> *const c_char;
    fn migrate_error_path(err: *const Opaque) -> *const c_char;
    fn migrate_error_line(err: *const Opaque) -> u64;
    fn migrate_error_free(err: Ptr);
}

/// Why a call failed. Displays as the whole message for people: place, server's words and remedy.
#[derive(Debug)]
pub struct Error {
    pub status: i32,
    pub text: String,
    pub path: Option<String>,
    pub line: u64,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

/// What a run did.
pub struct Report {
    pub applied: u64,
    pub state: String,
    pub version: String,
}

/// Text that C lends; none for NULL.
unsafe fn text(lent: *const c_char) -> Option<String> {
    (!lent.is_null()).then(|| CStr::from_ptr(lent).to_string_lossy().into_owned())
}

/// A path or URL for C, which knows no NUL in them.
fn c_string(text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| Error {
        status: 100,
        text: format!("a NUL in {text:?}"),
        path: None,
        line: 0,
    })
}

/// Context and report of one call, freed whichever way it ends.
struct Call {
    ctx: Ptr,
    report: Ptr,
    err: Ptr,
}

impl Call {
    fn check(&self, status: i32) -> Result<(), Error> {
        if status == 0 {
            return Ok(());
        }
        unsafe {
            Err(Error {
                status,
                text: text(migrate_error_text(self.err)).unwrap_or_default(),
                path: text(migrate_error_path(self.err)),
                line: migrate_error_line(self.err),
            })
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        unsafe {
            migrate_report_free(self.report);
            migrate_error_free(self.err);
            migrate_ctx_free(self.ctx);
        }
    }
}

/// Applies what is pending in folder `dir` to the SQLite database at `url`.
pub fn up(url: &str, dir: &str) -> Result<Report, Error> {
    let (url, dir) = (c_string(url)?, c_string(dir)?);
    let mut c = Call { ctx: ptr::null_mut(), report: ptr::null_mut(), err: ptr::null_mut() };
    unsafe {
        let s = migrate_ctx_new(&mut c.ctx, &mut c.err);
        c.check(s)?;
        let s = migrate_ctx_add_driver(c.ctx, migrate_sqlite_driver(), &mut c.err);
        c.check(s)?;
        let s = migrate_ctx_use_dir(c.ctx, dir.as_ptr(), &mut c.err);
        c.check(s)?;
        let s = migrate_ctx_open(c.ctx, url.as_ptr(), &mut c.err);
        c.check(s)?;
        let s = migrate_run(c.ctx, ptr::null(), &mut c.report, &mut c.err);
        c.check(s)?;
        Ok(Report {
            applied: migrate_report_applied(c.report),
            state: text(migrate_state_name(migrate_report_state(c.report))).unwrap_or_default(),
            version: text(migrate_report_version(c.report)).unwrap_or_default(),
        })
    }
}
