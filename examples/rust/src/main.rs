/* SPDX-License-Identifier: Apache-2.0 */

//! A service in Rust that brings its database up to date before it starts.
//!
//!     cargo run -- sqlite:app.db ../migrations

mod migrate;

use std::process::exit;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() != 3 {
        eprintln!("usage: {} URL DIR", args[0]);
        exit(1);
    }
    match migrate::up(&args[1], &args[2]) {
        Ok(done) => println!("{} applied, database {} at version {}", done.applied, done.state, done.version),
        Err(e) => {
            eprintln!("error: {e}");
            if let Some(path) = &e.path {
                eprintln!("note: see line {} of {path}", e.line);
            }
            exit(e.status / 100); /* the class */
        }
    }
}
