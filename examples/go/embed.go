/* SPDX-License-Identifier: Apache-2.0 */

// A service in Go that brings its database up to date before it starts, through cgo and pkg-config.
//
//	go build && ./embed sqlite:app.db ../migrations
package main

/*
#cgo pkg-config: libmigrate-sqlite
#include <stdlib.h>
#include <migrate/drivers.h>
#include <migrate/migrate.h>
*/
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

// Error is why a call failed. Text is the whole message for people: place, server's words and remedy.
type Error struct {
	Status int
	Text   string
	Path   string
	Line   uint64
}

func (e *Error) Error() string { return e.Text }

// check makes a Go error of a C one, which it frees.
func check(status C.migrate_status, err *C.migrate_error) error {
	if status == C.MIGRATE_OK {
		return nil
	}
	defer C.migrate_error_free(err)
	return &Error{
		Status: int(status),
		Text:   C.GoString(C.migrate_error_text(err)),
		Path:   C.GoString(C.migrate_error_path(err)),
		Line:   uint64(C.migrate_error_line(err)),
	}
}

// bringUpToDate applies what is pending in dir to the database at url and gives a line about it.
func bringUpToDate(url, dir string) (string, error) {
	cURL, cDir := C.CString(url), C.CString(dir)
	defer C.free(unsafe.Pointer(cURL))
	defer C.free(unsafe.Pointer(cDir))
	var ctx *C.migrate_ctx
	var report *C.migrate_report
	var err *C.migrate_error
	defer func() {
		C.migrate_report_free(report)
		C.migrate_ctx_free(ctx)
	}()
	for _, step := range []func() C.migrate_status{
		func() C.migrate_status { return C.migrate_ctx_new(&ctx, &err) },
		func() C.migrate_status { return C.migrate_ctx_add_driver(ctx, C.migrate_sqlite_driver(), &err) },
		func() C.migrate_status { return C.migrate_ctx_use_dir(ctx, cDir, &err) },
		func() C.migrate_status { return C.migrate_ctx_open(ctx, cURL, &err) },
		func() C.migrate_status { return C.migrate_run(ctx, nil, &report, &err) },
	} {
		if failed := check(step(), err); failed != nil {
			return "", failed
		}
	}
	return fmt.Sprintf("%d applied, database %s at version %s", uint64(C.migrate_report_applied(report)),
		C.GoString(C.migrate_state_name(C.migrate_report_state(report))),
		C.GoString(C.migrate_report_version(report))), nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintf(os.Stderr, "usage: %s URL DIR\n", os.Args[0])
		os.Exit(1)
	}
	done, err := bringUpToDate(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(err.(*Error).Status / 100) // the class
	}
	fmt.Println(done)
}
