// SPDX-License-Identifier: Apache-2.0
// A custom resource without the Provider framework: CloudFormation invokes the function, which answers it. The database is
// reached by the RDS Data API, so the function is in no VPC; the SQL files are in a layer, under /opt.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { App, CfnOutput, CustomResource, Duration, Fn, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as rds from 'aws-cdk-lib/aws-rds';

const LAYER = path.join(__dirname, 'layer');

function contentHash(dir: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(dir).sort()) {
    hash.update(`${name}\n${readFileSync(path.join(dir, name), 'utf8').replace(/\r\n/g, '\n')}\0`);
  }
  return hash.digest('hex');
}

const app = new App();
const stack = new Stack(app, 'CustomResourceDataApi');

const vpc = new ec2.Vpc(stack, 'Vpc', {
  maxAzs: 2,
  natGateways: 0,
  subnetConfiguration: [{ name: 'database', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 }],
});

const cluster = new rds.DatabaseCluster(stack, 'Cluster', {
  engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_16_6 }),
  writer: rds.ClusterInstance.serverlessV2('writer'),
  serverlessV2MinCapacity: 0,
  serverlessV2MaxCapacity: 4,
  credentials: rds.Credentials.fromGeneratedSecret('app'),
  defaultDatabaseName: 'anonfed',
  enableDataApi: true,
  vpc,
  vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
});

const migrate = new lambda.Function(stack, 'Migrate', {
  runtime: lambda.Runtime.PROVIDED_AL2023,
  handler: 'bootstrap',
  code: lambda.Code.fromAsset(path.join(__dirname, 'function')),
  layers: [new lambda.LayerVersion(stack, 'Migrations', { code: lambda.Code.fromAsset(LAYER) })],
  memorySize: 128,
  timeout: Duration.minutes(14),
  retryAttempts: 2,
  environment: {
    MIGRATE_MODE: 'cfn',
    MIGRATE_DATABASE_URL: Fn.join('', [
      'rds-data://', cluster.clusterArn, '/anonfed?secret=', cluster.secret!.secretArn,
    ]),
  },
});
cluster.grantDataApiAccess(migrate); // rds-data on this cluster, and reading its secret

const migration = new CustomResource(stack, 'Migration', {
  resourceType: 'Custom::SchemaMigration',
  serviceToken: migrate.functionArn,
  serviceTimeout: Duration.minutes(15),
  properties: { contentHash: contentHash(LAYER) },
});
migration.node.addDependency(cluster);

new CfnOutput(stack, 'ResponseMessage', { description: 'Database migration', value: migration.getAttString('Response') });
