// SPDX-License-Identifier: Apache-2.0
'use strict';

exports.up = async ({ execute }) => {
  await execute('INSERT INTO notes (text) VALUES (?)', ['welcome']);
};
exports.down = async ({ execute }) => {
  await execute('DELETE FROM notes WHERE text = ?', ['welcome']);
};
