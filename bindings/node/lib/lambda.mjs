// SPDX-License-Identifier: Apache-2.0
import lambda from './lambda.js';

export const { handler } = lambda;
