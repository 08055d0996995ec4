//! `flowscore s3` with a queue and a bucket that are really there.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::inputs::{HEADER, a_day, gzip};
use crate::services::{self, Service, empty_directory, flowscore, summary};

use super::{python, upload};

/// A day in 49 objects, told of in three forms and some of it twice; a reader that is killed three times. Afterwards everything
/// has to be as if nothing had happened: each object counted once, the same events, the same model, byte for byte.
#[test]
fn a_reader_of_a_queue_that_is_killed_again_and_again_tells_and_learns_the_same() {
    let Some(service) = services::moto() else { return };
    let directory = empty_directory("s3-queue");
    let day = a_day(&directory, "3");
    let bucket = directory.join("bucket");
    // Of half an hour each.
    let objects: Vec<(&str, String)> =
        day.files.chunks(6).map(|files| (&*files[0].0, files.iter().map(|(.., lines)| &**lines).collect())).collect();
    for (key, lines) in &objects {
        let path = bucket.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, gzip(&format!("{HEADER}{lines}"))).unwrap();
    }
    let keys: Vec<&str> = objects.iter().map(|(key, _)| *key).collect();
    upload(&service.url, "flows", &bucket);
    std::fs::write(directory.join("keys"), keys.join("\n")).unwrap();
    let queues = ["killed", "undisturbed"].map(|name| (name, create(&service, name, &directory)));
    let reader = |(name, queue): &(&str, String), output: &Path| {
        let state = directory.join("state");
        let mut command = flowscore(&["s3", "--queue", queue, "--endpoint-url", &service.url, "--application", name]);
        command.args(["--state", state.to_str().unwrap(), "--save-every", "1", "--visibility", "5", "--stats", "json"]);
        command.stdout(File::create(output).unwrap());
        command
    };

    let mut told = Vec::new();
    // Killed when it has told so much, or has had time enough to be through.
    for (life, bytes) in [1, 3_000, 9_000].into_iter().enumerate() {
        let output = directory.join(format!("killed-{life}.ndjson"));
        let mut child = reader(&queues[0], &output).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while output.metadata().unwrap().len() < bytes && begun.elapsed() < Duration::from_secs(15) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(child.try_wait().unwrap().is_none(), "the reader stopped by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        told.extend(whole_lines(&output));
        assert!(life > 0 || left(&service, &queues[0].1) > 0, "it was killed while it had something to do");
    }
    let last = directory.join("last.ndjson");
    let stats = summary(reader(&queues[0], &last).arg("--once"));
    told.extend(whole_lines(&last));
    let undisturbed = directory.join("undisturbed.ndjson");
    let expected = summary(reader(&queues[1], &undisturbed).arg("--once"));

    let records: usize = day.files.iter().map(|(_, _, lines)| lines.lines().count()).sum();
    assert_eq!((&expected["records"], &expected["ok"]), (&records.into(), &records.into()), "{expected}");
    assert_eq!((&expected["objects"], &expected["missing"]), (&objects.len().into(), &1.into()), "{expected}");
    assert!(expected["repeated"].as_u64().unwrap() > 3, "{expected}");
    for number in ["records", "ok", "dropped", "failed", "late", "windows", "series", "anomalies"] {
        assert_eq!(stats[number], expected[number], "{number}");
    }
    let expected = whole_lines(&undisturbed);
    for named in ["\"object_missing\"", "no notification of S3", "\"state\":\"open\""] {
        assert!(expected.iter().any(|event| event.contains(named)), "{named}");
    }
    // The message that is none has its own name in each queue.
    let comparable = |events: &[String]| {
        let mut seen = HashSet::new();
        let events = events.iter().filter(|event| !event.contains("no notification of S3"));
        events.filter(|event| seen.insert((*event).clone())).cloned().collect::<Vec<_>>()
    };
    assert!(comparable(&told) == comparable(&expected), "the events are the same, in the same order");
    let model = |application: &str| {
        let state = directory.join("state").join(application).join(application).join("all-objects.state");
        let bytes = std::fs::read(state).unwrap();
        let lines: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').take(2).collect();
        bytes[lines[1] + 1..bytes.len() - 4].to_vec()
    };
    assert!(model("killed") == model("undisturbed"), "what was learned is the same");
    assert_eq!((left(&service, &queues[0].1), left(&service, &queues[1].1)), (0, 0), "all messages were deleted");
}

#[test]
fn a_queue_that_is_not_there_is_said_on_one_line_and_a_signal_ends_a_reader_well() {
    let Some(service) = services::moto() else { return };
    let directory = empty_directory("s3-wrong");
    let state = directory.join("state");
    let reader = |queue: &str| {
        let mut command = flowscore(&["s3", "--queue", queue, "--endpoint-url", &service.url]);
        command.args(["--state", state.to_str().unwrap(), "--stats", "json"]).stderr(Stdio::piped());
        command
    };
    for (queue, code, named) in
        [("flows", 2, "URL of the queue"), (&format!("{}/123456789012/nothing", service.url), 1, "NonExistentQueue")]
    {
        let output = reader(queue).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.lines().last().unwrap().contains(named), "{error}");
    }
    std::fs::write(directory.join("keys"), "").unwrap();
    let queue = create(&service, "signalled", &directory);
    let port = services::free_port();
    let child = reader(&queue).args(["--http", &format!("127.0.0.1:{port}")]).spawn().unwrap();
    services::await_metrics(port, &["flowscore_objects_total{outcome=\"missing\"} 1", "flowscore_queue_messages 0"]);
    assert_eq!(services::get(port, "/health/ready"), (200, "ready\n".to_owned()));
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    let stats: Value = serde_json::from_str(error.lines().last().unwrap()).unwrap();
    assert_eq!((&stats["objects"], &stats["missing"]), (&0.into(), &1.into()), "{stats}");
    assert_eq!(left(&service, &queue), 0);
}

/// Makes a queue with messages on the objects whose keys are in the directory's file `keys`: its URL.
fn create(service: &Service, name: &str, directory: &Path) -> String {
    python(CREATE, &[&service.url, name, directory.join("keys").to_str().unwrap()]).trim().to_owned()
}

/// Messages that the queue holds.
fn left(service: &Service, queue: &str) -> u64 {
    python(LEFT, &[&service.url, queue]).trim().parse().unwrap()
}

const CREATE: &str = r"
import boto3, json, sys, urllib.parse
url, name, keys = sys.argv[1:]
sqs = boto3.client('sqs', endpoint_url=url)
queue = sqs.create_queue(QueueName=name)['QueueUrl']
def s3(key, etag):
    object = {'key': urllib.parse.quote_plus(key), 'eTag': etag, 'size': 1}
    return {'Records': [{'eventSource': 'aws:s3', 'eventName': 'ObjectCreated:Put', 's3': {'bucket': {'name': 'flows'}, 'object': object}}]}
def sns(key, etag):
    return {'Type': 'Notification', 'Message': json.dumps(s3(key, etag))}
def bridge(key, etag):
    object = {'key': key, 'etag': etag, 'size': 1}
    return {'source': 'aws.s3', 'detail-type': 'Object Created', 'detail': {'bucket': {'name': 'flows'}, 'object': object}}
messages = [{'Service': 'Amazon S3', 'Event': 's3:TestEvent', 'Bucket': 'flows'}, {'hello': 'world'}, s3('gone.gz', 'e')]
for number, key in enumerate(open(keys).read().split()):
    messages.append([s3, sns, bridge][number % 3](key, str(number)))
    if number % 10 == 0:
        messages.append([s3, sns, bridge][number % 2](key, str(number)))
entries = [{'Id': str(number), 'MessageBody': json.dumps(message)} for number, message in enumerate(messages)]
for at in range(0, len(entries), 10):
    sqs.send_message_batch(QueueUrl=queue, Entries=entries[at:at + 10])
print(queue)
";

const LEFT: &str = r"
import boto3, sys
names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible']
sqs = boto3.client('sqs', endpoint_url=sys.argv[1])
print(sum(int(number) for number in sqs.get_queue_attributes(QueueUrl=sys.argv[2], AttributeNames=names)['Attributes'].values()))
";

/// What a reader has told for certain: a line that was cut short by its end is told again.
fn whole_lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let end = text.rfind('\n').map_or(0, |end| end + 1);
    text[..end].lines().map(str::to_owned).collect()
}
