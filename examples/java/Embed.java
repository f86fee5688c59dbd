/* SPDX-License-Identifier: Apache-2.0 */

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.util.Collections;
import java.util.Map;

/**
 * A service in Java that brings its database up to date before it starts, through JNA.
 *
 * <pre>
 * javac -cp jna.jar Embed.java
 * java -cp jna.jar:. -Djna.library.path=/usr/local/lib Embed sqlite:app.db ../migrations
 * </pre>
 */
public final class Embed {
    /** As much of the C API as this needs. Handles are pointers that Java never looks into. */
    public interface Migrate extends Library {
        Map<String, Object> UTF8 = Collections.singletonMap(Library.OPTION_STRING_ENCODING, "UTF-8");
        Migrate C = Native.load("migrate", Migrate.class, UTF8);

        int migrate_ctx_new(PointerByReference out, PointerByReference err);

        void migrate_ctx_free(Pointer ctx);

        int migrate_ctx_add_driver(Pointer ctx, Pointer driver, PointerByReference err);

        int migrate_ctx_use_dir(Pointer ctx, String path, PointerByReference err);

        int migrate_ctx_open(Pointer ctx, String url, PointerByReference err);

        int migrate_run(Pointer ctx, Pointer options, PointerByReference out, PointerByReference err);

        long migrate_report_applied(Pointer report);

        int migrate_report_state(Pointer report);

        String migrate_report_version(Pointer report);

        void migrate_report_free(Pointer report);

        String migrate_state_name(int state);

        String migrate_error_text(Pointer err);

        String migrate_error_path(Pointer err);

        long migrate_error_line(Pointer err);

        void migrate_error_free(Pointer err);
    }

    /** Why a call failed. Its message is the whole one for people: place, server's words and remedy. */
    public static final class MigrateException extends Exception {
        private static final long serialVersionUID = 1;
        public final int status;
        public final String path;
        public final long line;

        MigrateException(int status, Pointer err) {
            super(Migrate.C.migrate_error_text(err));
            this.status = status;
            this.path = Migrate.C.migrate_error_path(err);
            this.line = Migrate.C.migrate_error_line(err);
        }
    }

    private static void check(int status, PointerByReference err) throws MigrateException {
        if (status != 0) {
            MigrateException failure = new MigrateException(status, err.getValue());
            Migrate.C.migrate_error_free(err.getValue());
            throw failure;
        }
    }

    /** Applies what is pending in folder dir to the database at url, and gives a line about it. */
    static String bringUpToDate(String url, String dir) throws MigrateException {
        Pointer driver = (Pointer) NativeLibrary.getInstance("migrate-sqlite")
                .getFunction("migrate_sqlite_driver").invoke(Pointer.class, new Object[0]);
        PointerByReference ctx = new PointerByReference();
        PointerByReference report = new PointerByReference();
        PointerByReference err = new PointerByReference();
        try {
            check(Migrate.C.migrate_ctx_new(ctx, err), err);
            check(Migrate.C.migrate_ctx_add_driver(ctx.getValue(), driver, err), err);
            check(Migrate.C.migrate_ctx_use_dir(ctx.getValue(), dir, err), err);
            check(Migrate.C.migrate_ctx_open(ctx.getValue(), url, err), err);
            check(Migrate.C.migrate_run(ctx.getValue(), null, report, err), err);
            Pointer r = report.getValue();
            return Long.toUnsignedString(Migrate.C.migrate_report_applied(r)) + " applied, database "
                    + Migrate.C.migrate_state_name(Migrate.C.migrate_report_state(r)) + " at version "
                    + Migrate.C.migrate_report_version(r);
        } finally {
            Migrate.C.migrate_report_free(report.getValue());
            Migrate.C.migrate_ctx_free(ctx.getValue());
        }
    }

    public static void main(String[] args) {
        if (args.length != 2) {
            System.err.println("usage: Embed URL DIR");
            System.exit(1);
        }
        try {
            System.out.println(bringUpToDate(args[0], args[1]));
        } catch (MigrateException e) {
            System.err.println("error: " + e.getMessage());
            System.exit(e.status / 100); /* the class */
        }
    }
}
