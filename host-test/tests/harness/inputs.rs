//! Files as people have them: packed, spread over directories, named as AWS names them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

/// The fields of [`a_day`]'s lines.
pub(crate) const HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
                                 action log-status\n";

/// A generated day of flow log lines, cut as AWS cuts it: files of five minutes, in turn of two accounts, so that their names are
/// not in the order of time.
pub(crate) struct Day {
    /// The lines in one file.
    pub(crate) lines: PathBuf,
    /// For each file its key in a bucket, the hour and the lines.
    pub(crate) files: Vec<(String, u32, String)>,
}

pub(crate) fn a_day(directory: &Path, interfaces: &str) -> Day {
    let lines = directory.join("day.log");
    let path = lines.to_str().unwrap();
    let made = flowscore(&["generate", "--wrapping", "lines", "--interfaces", interfaces, "--output", path]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let day = std::fs::read_to_string(&lines).unwrap();
    let mut files: Vec<(String, u32, String)> = Vec::new();
    let mut latest = 0;
    for line in day.lines() {
        let start: u32 = line.split(' ').nth(10).unwrap().parse().unwrap();
        let slice = (start / 300).max(latest);
        if slice > latest {
            latest = slice;
            let (account, minute) = (["222222222222", "111111111111"][files.len() % 2], slice % 288 * 5);
            // The day after the first is the beginning of the next.
            let (hour, minute, day) = (minute / 60, minute % 60, slice / 288 - 1_768_176_000 / 86_400 + 12);
            let key = format!(
                "AWSLogs/{account}/vpcflowlogs/us-east-1/2026/01/{day}/{account}_vpcflowlogs_us-east-1_fl-1_202601{day}T{hour:02}{minute:02}Z_0a1b2c3d.log.gz"
            );
            files.push((key, hour, String::new()));
        }
        let (_, _, text) = files.last_mut().unwrap();
        *text += line;
        *text += "\n";
    }
    assert!(files.len() > 250, "{}", files.len());
    Day { lines, files }
}

/// gzip of two members, as a file that was appended to.
pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let half = text.len() / 2;
    [&text[..half], &text[half..]].into_iter().fold(Vec::new(), |packed, part| {
        let mut encoder = GzEncoder::new(packed, Compression::fast());
        encoder.write_all(part.as_bytes()).unwrap();
        encoder.finish().unwrap()
    })
}

fn flowscore(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flowscore")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn empty_directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// A directory of gzip and zstd with headers and without, a pattern, and files by name: all the same as the lines.
#[test]
fn files_in_any_wrapping_tell_what_their_lines_tell_in_the_order_of_time() {
    let directory = empty_directory("inputs");
    let day = a_day(&directory, "3");
    let bucket = directory.join("bucket");
    for (number, (key, _, lines)) in day.files.iter().enumerate() {
        let path = bucket.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content = match number % 3 {
            0 => gzip(&format!("{HEADER}{lines}")),
            1 => zstd::encode_all(format!("{HEADER}{lines}").as_bytes(), 1).unwrap(),
            _ => lines.as_bytes().to_vec(),
        };
        std::fs::write(path, content).unwrap();
    }
    std::fs::write(bucket.join(".hidden"), "no flow log").unwrap();
    let expected = flowscore(&["run", "--input", day.lines.to_str().unwrap(), "--stats", "json"]);
    assert!(text(&expected.stdout).contains("\"state\":\"open\""));
    let path = |below: &str| bucket.join(below).to_str().unwrap().to_owned();
    let of_account = |account: &str| path(&format!("AWSLogs/{account}/vpcflowlogs/**/*.log.gz"));
    for inputs in [
        vec![day.lines.to_str().unwrap().to_owned()],
        vec![path("")],
        vec![of_account("222222222222"), of_account("111111111111")],
        vec![path("AWSLogs/222222222222"), path("AWSLogs/111111111111/vpcflowlogs/us-east-1")],
    ] {
        let mut args = vec!["run", "--stats", "json"];
        args.extend(inputs.iter().map(String::as_str));
        let told = flowscore(&args);
        assert!(told.stdout == expected.stdout, "{inputs:?}: {}", text(&told.stderr));
        let stats = |output: &Output| {
            let stats: Value = serde_json::from_slice(&output.stderr).unwrap();
            ["records", "ok", "dropped", "failed", "late", "windows", "anomalies"].map(|name| stats[name].clone())
        };
        assert_eq!(stats(&told), stats(&expected), "{inputs:?}");
    }
    let (from, to) = ("2026-01-12T06:00", "2026-01-12T07:00:00Z");
    let hour = flowscore(&["decode", &path(""), "--from", from, "--to", to]);
    let of_hour = day.files.iter().filter(|(_, hour, _)| *hour == 6);
    let records: usize = of_hour.map(|(_, _, lines)| lines.lines().count()).sum();
    assert_eq!(text(&hour.stdout).lines().count(), records, "{}", text(&hour.stderr));
    let nothing = flowscore(&["run", &path(""), "--from", "2027-01-01"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("--from and --to"), "{}", text(&nothing.stderr));
}

#[test]
fn a_damaged_file_is_told_and_those_behind_it_are_read() {
    let directory = empty_directory("inputs-damaged");
    let line =
        |number: usize| format!("2 1 eni-1 10.0.0.1 10.0.0.2 {number} 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n");
    let lines: String = (0..1_000).map(line).collect();
    let packed = gzip(&lines);
    let files = [
        ("a.gz", &packed[..packed.len() - 9], "gzip"),
        ("b.gz", &packed[..], ""),
        ("c.parquet", b"PAR1 and no more", "parquet"),
        ("d.zst", b"\x28\xb5\x2f\xfd and no more", "zstd"),
        ("e.log", line(0).as_bytes(), ""),
    ]
    .map(|(name, content, layer)| {
        let path = directory.join(name);
        std::fs::write(&path, content).unwrap();
        (path.to_str().unwrap().to_owned(), layer)
    });
    let output = flowscore(&["run", "--stats", "json", directory.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let stats: Value = serde_json::from_str(text(&output.stderr).lines().last().unwrap()).unwrap();
    // What of the first can be unpacked was read.
    assert_eq!((&stats["failed"], &stats["ok"]), (&3.into(), &2_001.into()), "{stats}");
    let decoded = flowscore(&["decode", directory.to_str().unwrap()]);
    for (name, layer) in files.iter().filter(|(_, layer)| !layer.is_empty()) {
        for output in [&output.stdout, &decoded.stdout] {
            let events: Vec<&str> = text(output).lines().filter(|event| event.contains(name)).collect();
            assert_eq!(events.len(), 1, "{name}");
            let event: Value = serde_json::from_str(events[0]).unwrap();
            assert_eq!((&event["type"], &event["layer"]), (&"failed".into(), &(*layer).into()), "{event}");
        }
    }
    assert_eq!(text(&decoded.stdout).lines().filter(|line| line.contains("\"failed\"")).count(), 3);
    assert_eq!(text(&decoded.stdout).lines().count(), 2_004);
}

#[test]
fn a_backtest_tells_what_a_run_alerts_on_and_what_another_configuration_changes() {
    let directory = empty_directory("backtest");
    let day = a_day(&directory, "6");
    let lines = day.lines.to_str().unwrap();
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (spikes, low, page) = (path("spikes.json"), path("low.json"), path("page.html"));
    std::fs::write(&spikes, r#"{"detect":{"direction":"spike"}}"#).unwrap();
    std::fs::write(&low, r#"{"detect":{"sensitivity":"low"}}"#).unwrap();
    let json = |args: &[&str]| -> Value {
        let output = flowscore(&[&["backtest", lines, "--json"], args].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
    };
    let alone = json(&["--report", &page]);
    let told = flowscore(&["run", lines]);
    let events: Vec<Value> = text(&told.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let closed = |event: &&Value| event["state"] == "closed" && event.get("group").is_none();
    let alerts: Vec<&Value> = events.iter().filter(closed).collect();
    let found = &alone["configurations"][0];
    assert!(alerts.len() > 3);
    assert_eq!(
        (&found["count"], &alone["records"]),
        (&alerts.len().into(), &day.files.iter().map(|(.., lines)| lines.lines().count()).sum::<usize>().into())
    );
    for alert in found["alerts"].as_array().unwrap() {
        let event = alerts.iter().find(|event| event["id"] == alert["id"]).unwrap();
        for member in ["start", "end", "severity", "direction"] {
            assert_eq!(alert[member], event[member], "{member} of {alert}");
        }
    }
    assert!((0.9..1.2).contains(&alone["days"].as_f64().unwrap()), "{}", alone["days"]);
    assert!(std::fs::read_to_string(page).unwrap().contains("Backtest of flow logs"));

    let both = path("both.json");
    std::fs::write(&both, "{}").unwrap();
    let count = |of: &Value, name: &str| of[name].as_array().unwrap().len();
    let changes = json(&["--config", &both, "--config", &spikes])["changes"].clone();
    assert_eq!((count(&changes, "come"), count(&changes, "changed")), (0, 0), "{changes}");
    // All drops go; a spike that was the way back from one may go with it.
    let drops = |alerts: &Value| alerts.as_array().unwrap().iter().filter(|alert| alert["direction"] == "drop").count();
    assert_eq!(drops(&changes["go"]), drops(&found["alerts"]), "{changes}");
    assert!(count(&changes, "go") > 0 && changes["same"].as_u64().unwrap() > 0, "{changes}");

    let output = flowscore(&["backtest", lines, "--config", &low, "--config", &both]);
    let page = text(&output.stdout);
    for named in ["low.json", "both.json", "\nalerts", "\n+ 2026-01-1", "\nsame: "] {
        assert!(page.contains(named), "{named} in {page}");
    }
    let record = path("record.json");
    std::fs::write(&record, r#"{"mode":"record"}"#).unwrap();
    assert_eq!(flowscore(&["backtest", lines, "--config", &record]).status.code(), Some(2));
}
