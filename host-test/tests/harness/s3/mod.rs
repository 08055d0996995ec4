//! Objects of a bucket that is really there.

mod prefixes;
mod queue;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::services::{self, ENVIRONMENT};

/// Runs a program in Python, in which the packages of the services are.
pub(crate) fn python(program: &str, args: &[&str]) -> String {
    let python = services::directory().join("moto/bin/python");
    let mut command = Command::new(python);
    command.arg("-").args(args).envs(ENVIRONMENT).env("AWS_DEFAULT_REGION", "us-east-1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Puts all files below a directory into a new bucket, under their paths.
pub(crate) fn upload(url: &str, bucket: &str, directory: &Path) {
    python(UPLOAD, &[url, bucket, directory.to_str().unwrap()]);
}

const UPLOAD: &str = r"
import boto3, os, sys
url, bucket, directory = sys.argv[1:]
s3 = boto3.client('s3', endpoint_url=url)
s3.create_bucket(Bucket=bucket)
for folder, _, files in os.walk(directory):
    for name in files:
        path = os.path.join(folder, name)
        s3.upload_file(path, bucket, os.path.relpath(path, directory))
";
