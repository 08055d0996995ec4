//! The binary `flowscore`, as a person uses it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;

fn flowscore(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flowscore"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    let writer = std::thread::spawn(move || drop(input.write_all(&stdin)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const LINE: &str = "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 1418530010 1418530070 ACCEPT OK";

#[test]
fn every_command_has_help() {
    for command in [
        "demo",
        "run",
        "backtest",
        "kinesis",
        "s3",
        "serve",
        "multilang",
        "top",
        "decode",
        "series",
        "generate",
        "report",
        "discover-schema",
        "check-config",
        "inspect",
        "completions",
        "man",
    ] {
        if cfg!(not(feature = "network")) && ["kinesis", "s3", "serve", "multilang", "top"].contains(&command) {
            continue;
        }
        let output = flowscore(&[command, "--help"], b"");
        assert!(output.status.success(), "{command}");
        assert!(text(&output.stdout).contains("Examples:"), "{command}");
    }
}

#[test]
fn wrong_usage_and_configuration_exit_with_2_and_one_line() {
    let directory = tempdir("usage");
    let config = directory.join("bad.json");
    std::fs::write(&config, r#"{"forest":{"numberOfTrees":100}}"#).unwrap();
    let config = config.to_str().unwrap();
    for (args, named) in [
        (&["run", "--config", config][..], "forest.numberOfTrees"),
        (&["check-config", config], "did you mean"),
        (&["run", "--config", "/nowhere/flowscore.json"], "/nowhere/flowscore.json"),
        (&["decode", "--input", "/nowhere/payloads"], "/nowhere/payloads"),
        (&["run", "/nowhere/payloads"], "/nowhere/payloads"),
        (&["run", "/nowhere/*.gz"], "no file fits"),
        (&["run", "--plugin", "/nowhere/plugin.wasm"], "/nowhere/plugin.wasm"),
        (&["series", "--value-column", "bytes"], "timestamp, value"),
        #[cfg(feature = "network")]
        (
            &["kinesis", "--stream", "a", "--region", "us-east-1", "--endpoint-url", "http://user:sec?ret@host"],
            "--endpoint-url http://…",
        ),
    ] {
        let output = flowscore(args, b"timestamp,value\n1,2\n");
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(named), "{args:?}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    }
}

#[test]
fn run_accounts_for_every_record() {
    let input = format!("{LINE}\nbroken\n{{\"messageType\":\"CONTROL_MESSAGE\",\"logEvents\":[]}}\n{LINE}\n");
    let directory = tempdir("run");
    let config = directory.join("record.json");
    std::fs::write(&config, r#"{"mode":"record"}"#).unwrap();
    let output = flowscore(&["run", "--config", config.to_str().unwrap(), "--stats", "json"], input.as_bytes());
    assert!(output.status.success());
    let stats: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    for (name, expected) in [("payloads", 4), ("records", 4), ("ok", 2), ("dropped", 1), ("failed", 1)] {
        assert_eq!(stats[name], expected, "{name} in {stats}");
    }
    let types: Vec<&str> = text(&output.stdout).lines().map(|line| &line[..16]).collect();
    assert_eq!(types, ["{\"type\":\"score\",", "{\"type\":\"failed\"", "{\"type\":\"score\","]);
    assert!(text(&output.stdout).contains("\"id\":\"stdin:2\""));
}

#[test]
fn an_output_is_emptied_only_if_the_input_is_there_and_is_another_file() {
    let directory = tempdir("same-file");
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (file, link, other) = (path("payloads"), path("link"), path("events"));
    let _ = std::fs::remove_file(&link);
    std::fs::write(&file, LINE).unwrap();
    std::fs::hard_link(&file, &link).unwrap();
    std::fs::write(&other, "kept").unwrap();
    for (input, output, named) in [
        (file.as_str(), file.as_str(), "same file"),
        (&file, &link, "same file"),
        ("/nowhere/payloads", &other, "/nowhere/payloads"),
        (directory.to_str().unwrap(), &other, "directory"),
    ] {
        let run = flowscore(&["run", "--input", input, "--output", output], b"");
        assert_eq!(run.status.code(), Some(2), "{input} {output}");
        assert!(text(&run.stderr).contains(named), "{}", text(&run.stderr));
    }
    let report = flowscore(&["report", "--input", &file, "--output", &link], b"");
    assert_eq!(report.status.code(), Some(2), "{}", text(&report.stderr));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), LINE);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "kept");
    assert!(flowscore(&["run", "--input", "/dev/null", "--output", "/dev/null"], b"").status.success(), "no file");
    assert!(flowscore(&["run", "--input", &file, "--output", &other], b"").status.success());
    assert_ne!(std::fs::read_to_string(&other).unwrap(), "kept");
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_run_and_no_more() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowscore"));
    let command = command.args(["run"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    // Lines that all fail, so that each leads to an event.
    let _ = child.stdin.take().unwrap().write_all(&b"no flow log\n".repeat(100_000));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn a_programs_own_first_line_fails_alone() {
    for (first, outcome) in [("INFO starting up", "failed"), ("starting up", "failed"), ("version srcaddr", "dropped")]
    {
        let output = flowscore(&["run", "--stats", "json"], format!("{first}\n{LINE}\n{LINE}\n").as_bytes());
        let stats: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!((&stats["records"], &stats["ok"], &stats[outcome]), (&3.into(), &2.into(), &1.into()), "{first}");
        let alone = flowscore(&["run", "--stats", "json"], first.as_bytes());
        let stats: serde_json::Value = serde_json::from_slice(&alone.stderr).unwrap();
        assert_eq!((&stats["records"], &stats[outcome]), (&1.into(), &1.into()), "{first}");
    }
}

#[test]
fn a_csv_file_has_its_header_found_and_its_bad_number_told() {
    let directory = tempdir("csv");
    let config = directory.join("record.json");
    std::fs::write(&config, r#"{"mode":"record"}"#).unwrap();
    let arguments = ["run", "--config", config.to_str().unwrap(), "--stats", "json"];
    let output = flowscore(&arguments, b"a,b\n1,NaN\n2,3\n");
    assert!(output.status.success());
    let stats: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    for (name, expected) in [("records", 2), ("ok", 1), ("dropped", 0), ("failed", 1)] {
        assert_eq!(stats[name], expected, "{name} in {stats}");
    }
    let failed: Vec<&str> = text(&output.stdout).lines().filter(|line| line.contains("\"failed\"")).collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].contains("stdin:2") && failed[0].contains("column `b` is `NaN`"), "{}", failed[0]);
    assert!(text(&output.stdout).contains("{\"type\":\"score\",\"record\":{\"a\":2,\"b\":3},"));
}

#[test]
fn series_keeps_the_rows_and_tells_which_one_is_bad() {
    let input =
        b"timestamp,value,label\n2026-01-01 00:00:00,1.5,x\n2026-01-01 00:01:00,NaN,y\n2026-01-01 00:02:00,\"2\",z\n";
    for mode in ["detect", "rcf"] {
        let output = flowscore(&["series", "--mode", mode], input);
        assert!(output.status.success());
        let rows: Vec<&str> = text(&output.stdout).lines().collect();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0], "timestamp,value,label,anomaly_score,alert,direction,expected");
        assert!(rows[2].starts_with("2026-01-01 00:01:00,NaN,y,0,0,"), "{}", rows[2]);
        let error = text(&output.stderr);
        assert!(error.contains("line 3") && error.contains("NaN") && error.contains("finite number"), "{error}");
    }
}

#[test]
fn series_scores_a_row_whose_time_runs_backwards_at_the_time_of_the_row_above() {
    // Local time when summer ends. The forest takes no notice of times, so it scores the rows as if they were in order.
    let row = |time: i64, i: i64| format!("{time},{}\n", i * i % 101);
    let rows = |time: &dyn Fn(i64) -> i64| (0..400).map(|i| row(time(i), i)).collect::<String>();
    let scores = |rows: &str| {
        let output = flowscore(&["series", "--mode", "rcf"], format!("timestamp,value\n{rows}").as_bytes());
        let scores = text(&output.stdout).lines().map(|row| row.splitn(3, ',').nth(2).unwrap().to_owned());
        (scores.collect::<Vec<_>>(), text(&output.stderr).to_owned())
    };
    let (expected, silence) = scores(&rows(&|i| i * 60));
    let (got, told) = scores(&rows(&|i| if (300..310).contains(&i) { i * 60 - 3600 } else { i * 60 }));
    assert_eq!(silence, "");
    assert_eq!(got, expected);
    assert!(expected[305].parse::<f64>().is_err() && !expected[305].starts_with("0,"), "{}", expected[305]);
    assert!(told.contains("line 302") && told.contains("10 rows"), "{told}");
}

#[test]
fn what_generate_makes_is_what_run_and_report_understand() {
    let directory = tempdir("generate");
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (payloads, truth, events, report) = (path("p.txt"), path("t.ndjson"), path("e.ndjson"), path("r.html"));
    let made = flowscore(&["generate", "--duration", "7200", "--output", &payloads, "--truth", &truth], b"");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let run = flowscore(&["run", "--input", &payloads, "--output", &events, "--stats", "json"], b"");
    let stats: serde_json::Value = serde_json::from_slice(&run.stderr).unwrap();
    assert_eq!(stats["failed"], 0);
    assert!(stats["windows"].as_u64().unwrap() > 1_000, "{stats}");
    let made = flowscore(&["report", "--input", &events, "--truth", &truth, "--output", &report], b"");
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(std::fs::read_to_string(report).unwrap().to_ascii_lowercase().starts_with("<!doctype html>"));
}

#[test]
fn a_report_is_made_of_files_patterns_and_names() {
    use std::io::Write;
    let directory = tempdir("report");
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let incident = |id: &str| {
        format!(
            r#"{{"type":"anomaly","id":"{id}","state":"closed","direction":"drop","series":"eni-{id}","start":"2026-01-12T10:00:00.000Z",
             "end":"2026-01-12T10:33:00.000Z","observed":0,"expected":36e6,"observed_total":0,"expected_total":1188e6}}"#
        )
        .replace('\n', "")
    };
    std::fs::write(path("a.ndjson"), incident("0a1") + "\n" + &incident("0a2") + "\n").unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(incident("0b1").as_bytes()).unwrap();
    std::fs::write(path("b.ndjson.gz"), packed.finish().unwrap()).unwrap();
    std::fs::write(path("names.csv"), "interface,name\neni-0a2,\"web, first\"\n").unwrap();
    let (pattern, names, report) = (path("*.ndjson*"), path("names.csv"), path("r.html"));
    let made = flowscore(&["report", &pattern, "--names", &names, "--output", &report], b"");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let page = std::fs::read_to_string(&report).unwrap().replace('\u{a0}', " ");
    for wanted in [
        "eni-0a1 sent nothing for 33 minutes, usually 36 MB a minute.",
        "web, first sent nothing",
        "eni-0b1 sent nothing",
        "aws ec2 describe-network-interfaces --network-interface-ids eni-0a2",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }

    let nothing = flowscore(&["report", "--output", &report], b"");
    assert!(nothing.status.success() && text(&nothing.stderr).contains("no events came"), "{}", text(&nothing.stderr));
    assert!(std::fs::read_to_string(&report).unwrap().contains("Nothing came."));
    std::fs::write(path("names.csv"), "eni-0a1\n").unwrap();
    let wrong = flowscore(&["report", &pattern, "--names", &names, "--output", &report], b"");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("names.csv, line 1: expected an interface"), "{}", text(&wrong.stderr));
}

#[test]
fn a_configuration_is_printed_with_its_defaults() {
    let output = flowscore(&["check-config", "-"], br#"{"forest":{"number_of_trees":50}}"#);
    let config: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(config["forest"]["number_of_trees"], 50);
    assert_eq!(config["forest"]["sub_sample_size"], 256);
    assert_eq!(config["mode"], "window");
    assert!(output.stderr.is_empty());
    let output = flowscore(&["check-config", "-"], br#"{"series":{"by":["interface_ids"]}}"#);
    let hint = text(&output.stderr);
    assert!(
        output.status.success() && hint.contains("hint: `interface_ids`") && hint.contains("`interface_id`?"),
        "{hint}"
    );
}

/// What `bash` offers for the last word of a command line, with the completions loaded as its user would.
fn completed(line: &[&str]) -> Vec<String> {
    let script = "source <(\"$0\" completions bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))
        _flowscore flowscore \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    let output = bash.args(["-c", script, env!("CARGO_BIN_EXE_flowscore")]).args(line).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn a_shell_completes_commands_options_and_values() {
    assert_eq!(completed(&["flowscore", "disc"]), ["discover-schema"]);
    assert_eq!(completed(&["flowscore", "run", "--plug"]), ["--plugin"]);
    assert_eq!(completed(&["flowscore", "series", "--mode", "r"]), ["rcf"]);
    for (shell, first) in [("zsh", "#compdef flowscore"), ("fish", "# Print an optspec")] {
        let output = flowscore(&["completions", shell], b"");
        assert!(output.status.success(), "{shell}");
        let script = text(&output.stdout);
        assert!(script.starts_with(first) && script.contains("discover-schema"), "{shell}: {script}");
    }
    assert_eq!(flowscore(&["completions", "cmd.exe"], b"").status.code(), Some(2));
}

#[test]
fn each_command_has_a_manual_page_with_what_its_help_says() {
    let directory = tempdir("man").join("made");
    let output = flowscore(&["man", "--out", directory.to_str().unwrap()], b"");
    assert!(output.status.success() && output.stdout.is_empty(), "{}", text(&output.stderr));
    let page = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
    let run = page("flowscore-run.1");
    for expected in [
        concat!(".TH flowscore-run 1 \" \" \"flowscore ", env!("CARGO_PKG_VERSION"), "\" flowscore\n"),
        ".SH SYNOPSIS",
        "\n.SH EXAMPLES\n.nf\nflowscore run flowlogs/ > events.ndjson\n",
        "\n.SH NOTES\n",
        "\\-\\-log\\-format",
        ".SH \"EXIT STATUS\"",
    ] {
        assert!(run.contains(expected), "{expected} in {run}");
    }
    let all = page("flowscore.1");
    let commands = all.lines().filter_map(|line| line.strip_prefix("flowscore\\-")?.strip_suffix("(1)"));
    let names: Vec<String> = commands.map(|name| format!("flowscore-{}.1", name.replace("\\-", "-"))).collect();
    assert!(names.len() > 9, "{all}");
    for name in &names {
        assert!(page(name).contains(".SH EXAMPLES"), "{name}");
    }
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), names.len() + 1);
    assert_eq!(text(&flowscore(&["man"], b"").stdout), all);
}

/// A directory of this test's own below the build's temporary directory.
fn tempdir(name: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn what_failed_events_show_in_part_is_kept_whole_where_it_is_wanted() {
    let directory = tempdir("keep-failed");
    let kept = directory.join("kept");
    let _ = std::fs::remove_dir_all(&kept);
    // A line each: a long one, a short one, and gzip in base64 of many that fail.
    let long = "2 ".repeat(5_000);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all("no flow log\n".repeat(150).as_bytes()).unwrap();
    let many = base64::engine::general_purpose::STANDARD.encode(encoder.finish().unwrap());
    let input = format!("{long}\nshort\n{many}\n");
    let output = flowscore(&["run", "--keep-failed", kept.to_str().unwrap(), "--stats", "json"], input.as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stats: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(stats["failed"], 152);
    let mut files: Vec<Vec<u8>> =
        std::fs::read_dir(&kept).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    files.sort_by_key(Vec::len);
    assert_eq!(files.len(), 2);
    assert!(files[0] == many.as_bytes() && files[1] == long.as_bytes());
    // Named by what the event says.
    let events = text(&output.stdout);
    let event: serde_json::Value = events.lines().map(|line| serde_json::from_str(line).unwrap()).next().unwrap();
    let file = kept.join(event["payload_sha256"].as_str().unwrap());
    assert!(file.exists(), "{event}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&kept), mode(&file)), (0o700, 0o600), "for the owner only");
    }
}
