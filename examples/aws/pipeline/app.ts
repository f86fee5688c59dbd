// SPDX-License-Identifier: Apache-2.0
// A pipeline that deploys a stage and then invokes its migration function. The step looks at StatusCode, and it is 500 in
// every failure: one of the SQL, of the configuration, of the time.
import * as path from 'node:path';
import { App, CfnOutput, Duration, Stack, StackProps, Stage, StageProps } from 'aws-cdk-lib';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as rds from 'aws-cdk-lib/aws-rds';
import { CodeBuildStep, CodePipeline, CodePipelineSource } from 'aws-cdk-lib/pipelines';
import { Construct } from 'constructs';

class PrimaryStack extends Stack {
  readonly functionName: CfnOutput;

  constructor(scope: Construct, id: string, stage: string, props?: StackProps) {
    super(scope, id, props);
    const vpc = new ec2.Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'database', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 }],
    });
    vpc.addInterfaceEndpoint('Secrets', { service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER });
    const cluster = new rds.DatabaseCluster(this, 'Cluster', {
      engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_16_6 }),
      writer: rds.ClusterInstance.serverlessV2('writer'),
      serverlessV2MinCapacity: 0,
      serverlessV2MaxCapacity: 4,
      credentials: rds.Credentials.fromGeneratedSecret('demo'),
      defaultDatabaseName: 'demo',
      vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
    });
    const migrate = new lambda.Function(this, 'Migrate', {
      functionName: `RDSSchemaMigrationFunction-${stage}`,
      runtime: lambda.Runtime.PROVIDED_AL2023,
      handler: 'bootstrap',
      code: lambda.Code.fromAsset(path.join(__dirname, 'function')),
      memorySize: 128,
      timeout: Duration.minutes(10),
      vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      environment: { MIGRATE_SECRET: cluster.secret!.secretArn, MIGRATE_STATUS_CODE: '1' },
    });
    cluster.secret!.grantRead(migrate);
    cluster.connections.allowDefaultPortFrom(migrate);
    this.functionName = new CfnOutput(this, 'FunctionName', { value: migrate.functionName });
  }
}

class DemoStage extends Stage {
  readonly functionName: CfnOutput;

  constructor(scope: Construct, id: string, props?: StageProps) {
    super(scope, id, props);
    this.functionName = new PrimaryStack(this, 'PrimaryStack', id.toLowerCase()).functionName;
  }
}

const app = new App();
const stack = new Stack(app, 'Pipeline');
const repository = codecommit.Repository.fromRepositoryName(stack, 'Repository', app.node.tryGetContext('repository') ?? 'app');
const pipeline = new CodePipeline(stack, 'Pipeline', {
  synth: new CodeBuildStep('Synth', {
    input: CodePipelineSource.codeCommit(repository, 'main'),
    commands: ['npm ci', 'npx cdk synth'],
  }),
});
for (const name of ['Development', 'Production']) {
  const stage = new DemoStage(app, name);
  pipeline.addStage(stage, {
    post: [
      new CodeBuildStep(`Migrate${name}`, {
        envFromCfnOutputs: { DB_MIGRATE_FUNCTION_NAME: stage.functionName },
        commands: ['sh invoke.sh'],
        rolePolicyStatements: [
          new iam.PolicyStatement({
            actions: ['lambda:InvokeFunction'],
            resources: [`arn:aws:lambda:*:*:function:RDSSchemaMigrationFunction-${name.toLowerCase()}`],
          }),
        ],
      }),
    ],
  });
}
