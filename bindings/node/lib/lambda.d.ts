// SPDX-License-Identifier: Apache-2.0

export interface LambdaContext {
  awsRequestId?: string;
  invokedFunctionArn?: string;
  getRemainingTimeInMillis?(): number;
}

/** Handler of a Node function in the managed runtime; configured by MIGRATE_* in the environment. */
export function handler(event: unknown, context?: LambdaContext): Promise<unknown>;
