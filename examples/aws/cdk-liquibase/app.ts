// SPDX-License-Identifier: Apache-2.0
// Three stacks as in many an application: network, database, migration. The change log is Liquibase's formatted SQL, run
// without Java. A migration may take longer than a function lives: onEvent begins, isComplete goes on.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { App, CfnOutput, CustomResource, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Provider } from 'aws-cdk-lib/custom-resources';

const FUNCTION = path.join(__dirname, 'function');

function contentHash(dir: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(dir).sort()) {
    hash.update(`${name}\n${readFileSync(path.join(dir, name), 'utf8').replace(/\r\n/g, '\n')}\0`);
  }
  return hash.digest('hex');
}

class NetworkStack extends Stack {
  readonly vpc = new ec2.Vpc(this, 'Vpc', {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: [{ name: 'database', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 }],
  });
  readonly databaseGroup = new ec2.SecurityGroup(this, 'DatabaseGroup', { vpc: this.vpc });
  readonly migrationGroup = new ec2.SecurityGroup(this, 'MigrationGroup', { vpc: this.vpc });

  constructor(scope: App, id: string) {
    super(scope, id);
    this.databaseGroup.addIngressRule(this.migrationGroup, ec2.Port.tcp(5432), 'migrations');
    this.vpc.addInterfaceEndpoint('Secrets', { service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER });
  }
}

class DatabaseStack extends Stack {
  readonly cluster: rds.DatabaseCluster;

  constructor(scope: App, id: string, network: NetworkStack) {
    super(scope, id);
    this.cluster = new rds.DatabaseCluster(this, 'Cluster', {
      engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_16_6 }),
      writer: rds.ClusterInstance.serverlessV2('writer'),
      serverlessV2MinCapacity: 0,
      serverlessV2MaxCapacity: 4,
      credentials: rds.Credentials.fromGeneratedSecret('demo', { secretName: '/aurora/databaseSecrets' }),
      defaultDatabaseName: 'demo',
      vpc: network.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      securityGroups: [network.databaseGroup],
    });
  }
}

class MigrationStack extends Stack {
  constructor(scope: App, id: string, network: NetworkStack, database: DatabaseStack) {
    super(scope, id);
    const secret = database.cluster.secret!;
    // The same package twice; the handler's name says which part it plays.
    const half = (name: string, handler: string) => {
      const fn = new lambda.Function(this, name, {
        runtime: lambda.Runtime.PROVIDED_AL2023,
        handler,
        code: lambda.Code.fromAsset(FUNCTION),
        memorySize: 128,
        timeout: Duration.minutes(5),
        vpc: network.vpc,
        vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
        securityGroups: [network.migrationGroup],
        environment: { MIGRATE_MODE: 'cdk-provider', MIGRATE_SECRET: secret.secretArn, MIGRATE_LAYOUT: 'liquibase' },
      });
      secret.grantRead(fn);
      return fn;
    };
    const provider = new Provider(this, 'Provider', {
      onEventHandler: half('OnEvent', 'bootstrap.onEvent'),
      isCompleteHandler: half('IsComplete', 'bootstrap.isComplete'),
      totalTimeout: Duration.hours(1),
    });
    const migration = new CustomResource(this, 'Migration', {
      resourceType: 'Custom::DatabaseMigration',
      serviceToken: provider.serviceToken,
      properties: { changeLogHash: contentHash(path.join(FUNCTION, 'migrations')) },
    });
    new CfnOutput(this, 'SchemaVersion', { value: migration.getAttString('Version') });
  }
}

const app = new App();
const network = new NetworkStack(app, 'Network');
const database = new DatabaseStack(app, 'Database', network);
new MigrationStack(app, 'Migration', network, database);
