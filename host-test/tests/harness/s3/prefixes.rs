//! `s3://bucket/prefix/` as an input, and Parquet as pyarrow writes it.

use std::process::Output;

use crate::inputs::{HEADER, a_day, gzip};
use crate::services::{self, empty_directory, flowscore};

use super::{python, upload};

fn run(args: &[&str]) -> Output {
    let output = flowscore(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What AWS delivers, by account, region and day, and an hour of it in the layout for Athena, as Parquet by pyarrow.
#[test]
fn a_prefix_tells_what_its_lines_tell_and_only_folders_of_the_period_are_listed() {
    let Some(service) = services::moto() else { return };
    let directory = empty_directory("s3-prefixes");
    let day = a_day(&directory, "3");
    let bucket = directory.join("bucket");
    for (key, hour, lines) in &day.files {
        let lines = format!("{HEADER}{lines}");
        let path = bucket.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, gzip(&lines)).unwrap();
        let hive = directory.join(format!(
            "hive/AWSLogs/aws-account-id=1/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/month=01/day=12/hour={hour:02}"
        ));
        if key.contains("/2026/01/12/") && (6..8).contains(hour) {
            std::fs::create_dir_all(&hive).unwrap();
            let name = key.rsplit('/').next().unwrap().replace(".log.gz", ".log");
            std::fs::write(hive.join(name), lines).unwrap();
        }
    }
    upload(&service.url, "flows", &bucket);
    let endpoint = ["--endpoint-url", &service.url];
    let expected = run(&["run", "--input", day.lines.to_str().unwrap(), "--stats", "none"]);
    for inputs in [
        &["s3://flows"][..],
        &["s3://flows/AWSLogs/222222222222/", "s3://flows/AWSLogs/111111111111/vpcflowlogs"],
        &["s3://flows/AWSLogs/", "--from", "2026-01-12", "--to", "2026-01-14"],
    ] {
        let told = run(&[&["run", "--stats", "none"], inputs, &endpoint].concat());
        assert!(told.stdout == expected.stdout, "{inputs:?}");
    }
    let one = format!("s3://flows/{}", day.files[7].0);
    let told = run(&[&["decode", &one], &endpoint[..]].concat());
    assert_eq!(told.stdout.iter().filter(|byte| **byte == b'\n').count(), day.files[7].2.lines().count());

    let period = ["--from", "2026-01-12T06:00", "--to", "2026-01-12T08:00"];
    let of_lines = run(&[&["run", "--stats", "none", "s3://flows/AWSLogs/"], &period[..], &endpoint].concat());
    for (input, code, named) in [
        ("s3://nothing/", 1, "NoSuchBucket"),
        ("s3://flows/AWSLogs/3/", 2, "there are no files in s3://flows/AWSLogs/3/"),
        ("s3:///AWSLogs/", 2, "the name of the bucket is missing"),
    ] {
        let output = flowscore(&["run", input, "--stats", "none"]).args(endpoint).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{input}: {error}");
        assert!(error.contains(named) && error.lines().count() == 1, "{input}: {error}");
    }

    if !cfg!(feature = "parquet") || !services::is_installed("pyarrow", &services::pyarrow()) {
        return;
    }
    python(PARQUET, &[directory.join("hive").to_str().unwrap()]);
    upload(&service.url, "athena", &directory.join("hive"));
    let of_rows = run(&[&["run", "--stats", "json", "s3://athena/AWSLogs/"], &period[..], &endpoint].concat());
    assert!(of_rows.stdout == of_lines.stdout, "{}", String::from_utf8_lossy(&of_rows.stderr));
    let hour = ["--from", "2026-01-12T06:00", "--to", "2026-01-12T07:00"];
    let of_lines = run(&[&["decode", "s3://flows/AWSLogs/"], &hour[..], &endpoint].concat());
    let of_rows = run(&[&["decode", "s3://athena/AWSLogs/"], &hour[..], &endpoint].concat());
    assert!(of_rows.stdout == of_lines.stdout && !of_rows.stdout.is_empty());
}

/// Makes of each file of lines one of Parquet with AWS' schema, in turn with each codec, and of several row groups.
const PARQUET: &str = r"
import os, sys, pyarrow, pyarrow.parquet
numbers = dict(version='int32', srcport='int32', dstport='int32', protocol='int32', packets='int64', bytes='int64', start='int64', end='int64')
codecs = ['gzip', 'snappy', 'zstd', 'none']
for folder, _, files in os.walk(sys.argv[1]):
    for number, name in enumerate(sorted(files)):
        path = os.path.join(folder, name)
        with open(path) as text:
            header, *rows = [line.split() for line in text]
        os.remove(path)
        columns = {}
        for column, values in zip(header, zip(*rows)):
            column = column.replace('-', '_')
            kind = numbers.get(column)
            values = [None if value == '-' else int(value) if kind else value for value in values]
            columns[column] = pyarrow.array(values, kind or 'string')
        pyarrow.parquet.write_table(pyarrow.table(columns), path.replace('.log', '.log.parquet'), row_group_size=100,
                                    compression=codecs[number % 4], use_dictionary=number % 2 == 0)
";
