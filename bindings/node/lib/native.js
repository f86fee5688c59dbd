// SPDX-License-Identifier: Apache-2.0
'use strict';

const fs = require('node:fs');
const path = require('node:path');

/* Where the addon is: $LIBMIGRATE_NODE_ADDON, else what was built into the package for this platform. */
function addonPath() {
  return process.env.LIBMIGRATE_NODE_ADDON ||
    path.join(__dirname, '..', 'build', `${process.platform}-${process.arch}`, 'libmigrate.node');
}

const BUILD = 'run `npm run build` in the package (it needs a C compiler and libmigrate)';

function load(file) {
  if (!fs.existsSync(file)) {
    throw new Error(`libmigrate has no binary for ${process.platform}-${process.arch} at ${file}; ${BUILD}`);
  }
  try {
    return require(file);
  } catch (error) {
    if (error.code !== 'ERR_DLOPEN_FAILED') throw error;
    throw new Error(`libmigrate's binary cannot be loaded here: ${error.message}; ${BUILD}`, { cause: error });
  }
}

const file = addonPath();
const native = load(file);

/* A library of ours: in lib beside the addon, else wherever the dynamic linker finds it. */
function library(name) {
  const beside = path.join(path.dirname(file), 'lib', `${name}.so.0`);
  return fs.existsSync(beside) ? { file: beside, search: false } : { file: `${name}.so.0`, search: true };
}

/* The addon of the Lambda handler, beside the other. */
function loadLambda() {
  return load(path.join(path.dirname(file), 'libmigrate-lambda.node'));
}

module.exports = { native, library, loadLambda };
