//! `flowscore top` in a pseudo terminal, of a `serve` that runs.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::page::day;
use super::server::{Server, post};

/// What a terminal shows that was written to like this: only what was changed is written, and the cursor jumps there.
fn screen(written: &str) -> String {
    let mut rows = vec![vec![' '; 100]; 30];
    let (mut row, mut column) = (0, 0);
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            let mut sequence = String::new();
            for character in characters.by_ref().skip(1) {
                sequence.push(character);
                if character.is_ascii_alphabetic() {
                    break;
                }
            }
            if let Some((y, x)) = sequence.strip_suffix('H').and_then(|place| place.split_once(';')) {
                (row, column) = (y.parse::<usize>().unwrap() - 1, x.parse::<usize>().unwrap() - 1);
            }
        } else if let Some(cell) = rows.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = character;
            column += 1;
        }
    }
    rows.iter().map(|row| row.iter().collect::<String>() + "\n").collect()
}

/// A program in a terminal.
struct Terminal {
    child: Child,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Starts it; none where no pseudo terminal can be had.
    fn start(arguments: &str) -> Option<Terminal> {
        // A terminal of `script` has no size of its own.
        let run = format!("stty cols 100 rows 30; exec {} {arguments}", env!("CARGO_BIN_EXE_flowscore"));
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &run, "/dev/null"]).env("TERM", "xterm");
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let Ok(mut child) = spawned else {
            eprintln!("skipped: there is no `script` (util-linux), which makes a pseudo terminal");
            return None;
        };
        let (screen, mut out) = (Arc::new(Mutex::new(Vec::new())), child.stdout.take().unwrap());
        let seen = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                seen.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        Some(Terminal { child, screen })
    }

    /// Waits until it has drawn this.
    fn wait_for(&self, text: &str) {
        let begun = Instant::now();
        loop {
            let screen = screen(&String::from_utf8_lossy(&self.screen.lock().unwrap()));
            if screen.contains(text) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{text:?} is not in {screen:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn press(&mut self, keys: &str) {
        self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_follows_a_process_until_q() {
    let server = Server::start(&[]).await;
    let Some(mut terminal) = Terminal::start(&format!("top {}", server.url)) else { return };
    terminal.wait_for("Open incidents");
    terminal.wait_for("ready");
    for part in day() {
        assert_eq!(post(&server.url, &[], part).await.status, 200);
    }
    terminal.wait_for("▼");
    terminal.wait_for("sent nothing for");
    terminal.wait_for("eni-02aebcbd6de22acde");
    server.kill();
    terminal.wait_for("connection lost");
    terminal.press("q");
    assert!(terminal.child.wait().unwrap().success());
}

#[test]
fn without_a_terminal_or_a_url_it_says_so() {
    for (arguments, named) in [
        (&["top", "http://127.0.0.1:1"][..], "standard output is no terminal"),
        (&["top", "127.0.0.1:18080"], "give the http:// or https:// URL"),
        (&["top", "http://127.0.0.1:1", "--access-key-file", "/nowhere"], "cannot read the access key /nowhere"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_flowscore")).args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(named), "{told}");
    }
}
