// SPDX-License-Identifier: Apache-2.0
// An Aurora PostgreSQL cluster whose schema is migrated while the stack is deployed.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { App, CfnOutput, CustomResource, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Provider } from 'aws-cdk-lib/custom-resources';

// bootstrap, CA file and migrations/, as the README puts them together.
const FUNCTION = path.join(__dirname, 'function');

// CloudFormation calls the function when a property changes: the content of the files is one. Sorted, whatever the
// file system's order; with the names, so that a renamed file counts.
function contentHash(dir: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(dir).sort()) {
    hash.update(`${name}\n${readFileSync(path.join(dir, name), 'utf8').replace(/\r\n/g, '\n')}\0`);
  }
  return hash.digest('hex');
}

const app = new App();
const stack = new Stack(app, 'CdkProvider');

const vpc = new ec2.Vpc(stack, 'Vpc', {
  maxAzs: 2,
  natGateways: 0,
  subnetConfiguration: [{ name: 'database', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 }],
});
// All the function needs besides the database. No way to the internet.
vpc.addInterfaceEndpoint('Secrets', { service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER });

const cluster = new rds.DatabaseCluster(stack, 'Cluster', {
  engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_16_6 }),
  writer: rds.ClusterInstance.serverlessV2('writer'),
  serverlessV2MinCapacity: 0,
  serverlessV2MaxCapacity: 4,
  credentials: rds.Credentials.fromGeneratedSecret('app'),
  defaultDatabaseName: 'app',
  vpc,
  vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
});

const migrate = new lambda.Function(stack, 'Migrate', {
  runtime: lambda.Runtime.PROVIDED_AL2023,
  architecture: lambda.Architecture.X86_64,
  handler: 'bootstrap',
  code: lambda.Code.fromAsset(FUNCTION),
  memorySize: 128,
  timeout: Duration.minutes(14),
  vpc,
  vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
  environment: {
    MIGRATE_MODE: 'cdk-provider',
    MIGRATE_SECRET: cluster.secret!.secretArn, // engine, host, port and database are in it
    MIGRATE_LAYOUT: 'sections',
  },
});
cluster.secret!.grantRead(migrate);
cluster.connections.allowDefaultPortFrom(migrate);

const migration = new CustomResource(stack, 'Migration', {
  resourceType: 'Custom::DbSchemaMigration',
  serviceToken: new Provider(stack, 'Provider', { onEventHandler: migrate }).serviceToken,
  serviceTimeout: Duration.minutes(15),
  properties: { migrationDirectoryHash: contentHash(path.join(FUNCTION, 'migrations')) },
});
migration.node.addDependency(cluster);

new CfnOutput(stack, 'SchemaVersion', { value: migration.getAttString('Version') });
