# SPDX-License-Identifier: Apache-2.0
"""The conformance suite over the Data API driver, on PostgreSQL and MariaDB: run_conformance.py PROGRAM [CASES]"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import data_api_double

HERE = 'rds-data://arn:aws:rds:eu-west-1:123456789012:cluster:c/%s?secret=arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf&engine=%s'
ENV = {k: v for k, v in os.environ.items() if not k.startswith('AWS_')}


def run(engine, server, user, make):
    double, api = data_api_double.start(['--engine', engine, '--server', server, '--user', user])
    conn = api.engine.connect(None)
    api.engine.run(conn, make, None)
    env = dict(ENV, AWS_ACCESS_KEY_ID='AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY='wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
               AWS_EC2_METADATA_DISABLED='true', AWS_ENDPOINT_URL_RDS_DATA='http://127.0.0.1:%d' % double.server_address[1],
               DATA_API_URL=HERE % ('conformance', engine))
    return subprocess.run(sys.argv[1:], env=env, check=False).returncode


codes = [run('postgres', '127.0.0.1:' + os.environ['PG_PORT'], 'postgres', 'CREATE DATABASE conformance'),
         run('mysql', '127.0.0.1:' + os.environ['MYSQL_PORT'], 'root', 'CREATE DATABASE conformance CHARACTER SET utf8mb4')]
sys.exit(1 if any(codes) else 0)
