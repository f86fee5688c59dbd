// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');

/* The tarball, installed into an empty project where there is no compiler. $LIBMIGRATE_TARBALL is one that was made
 * already; otherwise it is made with the libraries of the build folder. */

const TOP = path.join(__dirname, '../../..');
const libraries = path.join(process.env.BUILD_ROOT ?? '', 'lib');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'libmigrate-package-'));
const project = path.join(dir, 'project');
let tarball = process.env.LIBMIGRATE_TARBALL;

/* An environment that has Node, npm and a shell, and nothing that compiles. */
function bare() {
  const bin = path.join(dir, 'bin');
  fs.mkdirSync(bin, { recursive: true });
  for (const name of ['npm', 'npx', 'sh', 'env']) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    if (found && !fs.existsSync(path.join(bin, name))) fs.symlinkSync(fs.realpathSync(found), path.join(bin, name));
  }
  if (!fs.existsSync(path.join(bin, 'node'))) fs.symlinkSync(process.execPath, path.join(bin, 'node'));
  return { PATH: bin, HOME: dir, TMPDIR: dir };
}

function run(command, args, options = {}) {
  const ended = spawnSync(command, args, { cwd: project, env: bare(), encoding: 'utf8', ...options });
  assert.equal(ended.status, 0, `${command} ${args.join(' ')}: ${ended.stdout}${ended.stderr}${ended.error ?? ''}`);
  return ended.stdout;
}

const script = (text, options) => run(process.execPath, ['-e', text], options);

function install(into, what) {
  fs.mkdirSync(path.join(into, 'migrations'), { recursive: true });
  fs.writeFileSync(path.join(into, 'package.json'), '{"private":true}');
  fs.writeFileSync(path.join(into, 'migrations', '1_users.sql'), 'CREATE TABLE users (name TEXT);\n');
  const npm = path.join(bare().PATH, 'npm');
  run(process.execPath, [npm, 'install', '--offline', '--no-audit', '--no-fund', what], { cwd: into });
}

before(() => {
  if (!tarball) {
    tarball = execFileSync(path.join(TOP, 'scripts/npm-package'), ['-o', dir, `${process.platform}-${process.arch}=${libraries}`],
      { encoding: 'utf8' }).trim();
  }
  install(project, tarball);
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

test('CommonJS, ESM and every entry', () => {
  const out = script(`const { Migrator, version } = require('libmigrate');
    (async () => {
      const m = new Migrator({ database: 'sqlite:app.db' });
      console.log(version, (await m.up()).applied);
      await m.close();
      const esm = await import('libmigrate');
      console.log(esm.Migrator === Migrator, typeof require('libmigrate/testing').migratedSqlite,
        typeof (await import('libmigrate/testing')).migratedPostgres);
    })();`);
  assert.match(out, /^\d+\.\d+\.\d+ 1\ntrue function function\n$/);
});

test('npx libmigrate', () => {
  const npx = path.join(bare().PATH, 'npx');
  assert.match(run(process.execPath, [npx, '--no-install', 'libmigrate', '-d', 'sqlite:npx.db', 'up']), /1 applied/);
  assert.match(run('node_modules/.bin/libmigrate', ['-d', 'sqlite:npx.db', 'status']), /1_users|users/);
});

test('the Lambda handler', (t) => {
  const lambda = path.join(project, 'node_modules/libmigrate/build', `${process.platform}-${process.arch}`, 'libmigrate-lambda.node');
  if (!fs.existsSync(lambda)) return t.skip('built without libmigrate-aws');
  const out = script("require('libmigrate/lambda').handler({}, {}).then((r) => console.log(r.applied, r.state))",
    { env: { ...bare(), MIGRATE_DATABASE_URL: 'sqlite:lambda.db', MIGRATE_SOURCE: path.join(project, 'migrations') } });
  assert.match(out, /^1 current$/m, 'after the log of the run');
  return undefined;
});

test('nothing but what it needs', () => {
  const names = execFileSync('tar', ['tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
  assert.ok(names.includes('package/LICENSE') && names.includes('package/lib/index.d.ts'));
  assert.deepEqual(names.filter((n) => /test\/|meson|node_modules|\.new$/.test(n)), []);
});

test('the package says the library\'s version', () => {
  const { version } = JSON.parse(fs.readFileSync(path.join(__dirname, '../package.json'), 'utf8'));
  assert.equal(version, execFileSync(path.join(TOP, 'scripts/version'), { encoding: 'utf8' }).trim());
});

test('a library of another version is refused by name', (t) => {
  if (spawnSync('cc', ['--version']).status !== 0) return t.skip('no C compiler');
  const at = path.join(dir, 'versions');
  fs.mkdirSync(path.join(at, 'lib'), { recursive: true });
  const addon = path.join(at, 'libmigrate.node');
  const binaries = path.join(project, 'node_modules/libmigrate/build', `${process.platform}-${process.arch}`);
  fs.copyFileSync(path.join(binaries, 'libmigrate.node'), addon);
  fs.writeFileSync(path.join(at, 'map'), 'MIGRATE_0 { global: *; };\n');
  for (const [number, text] of [[99, '0.0.99'], [10000, '1.0.0']]) {
    fs.writeFileSync(path.join(at, 'old.c'), `unsigned migrate_version_number(void) { return ${number}; }
      const char *migrate_version_string(void) { return "${text}"; }\n`);
    execFileSync('cc', ['-shared', '-fPIC', '-Wl,-soname,libmigrate.so.0', `-Wl,--version-script=${path.join(at, 'map')}`,
      '-o', path.join(at, 'lib/libmigrate.so.0'), path.join(at, 'old.c')]);
    const refused = spawnSync(process.execPath, ['-e', "require('libmigrate')"],
      { cwd: project, env: { ...bare(), LIBMIGRATE_NODE_ADDON: addon }, encoding: 'utf8' });
    assert.match(refused.stderr, new RegExp(`built for libmigrate \\d\\S* and found libmigrate ${text}: install`));
  }
  return undefined;
});

/* Where there is no binary: with the compiler, the registry's headers and an installed library. */
test('built from its sources', (t) => {
  const pc = path.join(process.env.BUILD_ROOT ?? '', 'meson-uninstalled');
  if (!fs.existsSync(pc)) return t.skip('no uninstalled pkg-config files');
  const other = path.join(dir, 'other');
  install(other, tarball);
  const at = path.join(other, 'node_modules', 'libmigrate');
  fs.rmSync(path.join(at, 'build'), { recursive: true });
  const refused = spawnSync(process.execPath, ['-e', "require('libmigrate')"], { cwd: other, env: bare(), encoding: 'utf8' });
  assert.match(refused.stderr, /has no binary for .*npm run build/);
  const headers = path.join(process.env.LIBMIGRATE_NODE_TOOLS ?? '', 'node_modules', 'node-api-headers');
  if (fs.existsSync(headers)) { // what `npm install node-api-headers` fetches, without the way to the registry
    fs.mkdirSync(path.join(at, 'node_modules'));
    fs.cpSync(headers, path.join(at, 'node_modules', 'node-api-headers'), { recursive: true });
  }
  const env = { ...process.env, PKG_CONFIG_PATH: pc, LIBMIGRATE_NODE_ADDON: '' };
  run('npm', ['run', 'build'], { cwd: at, env });
  const folders = [libraries, ...['sqlite', 'postgres', 'mysql'].map((name) => path.join(libraries, 'drivers', name))];
  const out = script("const m = new (require('libmigrate').Migrator)({ database: 'sqlite:app.db' }); m.up().then((r) => console.log(r.applied))",
    { cwd: other, env: { ...bare(), LD_LIBRARY_PATH: folders.join(':') } });
  assert.equal(out, '1\n');
  return undefined;
});
