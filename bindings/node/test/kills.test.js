// SPDX-License-Identifier: Apache-2.0
'use strict';

const { test } = require('node:test');
const { scratch, rows } = require('./helper.js');
const kills = require('./kills.js');

test('killed at every point of its code: exactly once', async (t) => {
  const { dir, source } = scratch(t, kills.FILES);
  await kills.atEveryPoint(source, (n) => `sqlite:${dir}/${n}.db`, rows);
});
