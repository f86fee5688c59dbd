// SPDX-License-Identifier: Apache-2.0
// AWS's signers for JavaScript: requests as JSON lines in, signatures out. The argument is the folder they are in.
const { createRequire } = require('module');
const load = createRequire(process.argv[2] + '/');
const { SignatureV4 } = load('@smithy/signature-v4');
const { Sha256 } = load('@aws-crypto/sha256-js');
const { Signer } = load('@aws-sdk/rds-signer');
const { DsqlSigner } = load('@aws-sdk/dsql-signer');

const keys = (r) => ({
  accessKeyId: r.access_key,
  secretAccessKey: r.secret_key,
  ...(r.session_token ? { sessionToken: r.session_token } : {}),
});

async function sign(r) {
  const signer = new SignatureV4({ credentials: keys(r), region: r.region, service: r.service, sha256: Sha256, applyChecksum: false });
  const query = {};
  for (const pair of r.query ? r.query.split('&') : []) {
    const [name, value] = pair.split('=').map(decodeURIComponent);
    query[name] = name in query ? [].concat(query[name], value) : value;
  }
  const headers = { host: r.host, ...Object.fromEntries(r.headers) };
  const signed = await signer.sign(
    { method: r.method, protocol: 'https:', hostname: r.host.split(':')[0], path: r.path, query, headers, body: r.body },
    { signingDate: new Date(r.ms) });
  return { authorization: signed.headers.authorization };
}

// Their clock is the process's.
async function token(r) {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...args) { super(...(args.length ? args : [r.ms])); }
    static now() { return r.ms; }
  };
  try {
    if (!r.host.includes('.dsql.')) {
      const signer = new Signer({ hostname: r.host, port: Number(r.port), username: r.user, region: r.region, credentials: keys(r), sha256: Sha256 });
      return { token: await signer.getAuthToken() };
    }
    const signer = new DsqlSigner({ hostname: r.host, region: r.region, expiresIn: 900, credentials: keys(r), sha256: Sha256 });
    return { token: await (r.user === 'admin' ? signer.getDbConnectAdminAuthToken() : signer.getDbConnectAuthToken()) };
  } finally {
    globalThis.Date = Real;
  }
}

async function main() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  for (const line of Buffer.concat(chunks).toString().split('\n').filter(Boolean)) {
    const r = JSON.parse(line);
    console.log(JSON.stringify(r.do === 'sign' ? await sign(r) : await token(r)));
  }
}
main().catch((e) => { console.error(e); process.exit(1); });
