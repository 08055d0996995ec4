//! Files, directories, patterns and prefixes of a bucket, one after another in the order of event time.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::content::{Content, ContentError, Damage, Raw};
use super::event_time::{self, Time};
#[cfg(feature = "network")]
use super::s3::{Access, Bucket, Download};
use crate::usage::Usage;

/// Objects that are asked for before it is their turn.
#[cfg(feature = "network")]
const AHEAD: usize = 4;

/// The event time that is wanted, in milliseconds since the Unix epoch: from the first on, up to the second without it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Period {
    /// None: from the beginning on.
    pub from: Option<i64>,
    /// None: up to the end.
    pub to: Option<i64>,
}

impl Period {
    /// Whether nothing is left out.
    pub fn is_all(self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether a file of this time may have wanted records; one whose name tells no time may.
    pub fn overlaps(self, time: Option<&Time>) -> bool {
        time.is_none_or(|time| self.from.is_none_or(|from| time.end > from) && self.to.is_none_or(|to| time.start < to))
    }

    /// Whether all of this time is wanted.
    pub fn holds(self, time: &Time) -> bool {
        self.from.is_none_or(|from| time.start >= from) && self.to.is_none_or(|to| time.end <= to)
    }
}

/// Something to read.
struct Object {
    /// As it is named in `failed` events.
    name: String,
    place: Place,
    /// Bytes, where they are known.
    size: Option<u64>,
    time: Option<Time>,
}

enum Place {
    Stdin,
    File(PathBuf),
    #[cfg(feature = "network")]
    Bucket(Bucket, String),
}

/// What comes next.
pub enum Next {
    /// A payload, and its name.
    Payload(Vec<u8>, String),
    /// The rest of a file that is damaged.
    Damaged {
        /// The file's name.
        name: String,
        /// What is wrong with it.
        damage: Damage,
    },
}

/// Everything there is to read.
pub struct Inputs {
    objects: std::vec::IntoIter<Object>,
    count: usize,
    /// Whether what is packed is unpacked, and lines come in blocks.
    is_unpacked: bool,
    current: Option<(Content, Object)>,
    /// Bytes of those that were read to their end.
    done: u64,
    size: Option<u64>,
    #[cfg(feature = "network")]
    ahead: Ahead,
}

impl Inputs {
    /// One input as a pipe would deliver it: a line is a payload, and what is packed is one as a whole. `-` is standard input.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn as_is(path: &Path) -> Result<Self> {
        let object = if path == Path::new("-") { Object::stdin() } else { Object::file(path)? };
        let mut inputs = Inputs::of(vec![object], false);
        inputs.open_next()?;
        Ok(inputs)
    }

    /// Inputs of every kind, unpacked. They come in the order of the event time that their names tell; those that tell none come
    /// last, in the order in which they are given, and by name where they come from a directory or pattern.
    ///
    /// # Errors
    ///
    /// One of them is not there.
    pub fn unpacked(names: &[PathBuf], period: Period, #[cfg(feature = "network")] access: &Access) -> Result<Self> {
        #[cfg(feature = "network")]
        let mut ahead = Ahead::default();
        let mut objects = Vec::new();
        for name in names {
            let text = name.to_string_lossy();
            if name == Path::new("-") {
                objects.push(Object::stdin());
            } else if let Some(rest) = text.strip_prefix("s3://") {
                #[cfg(feature = "network")]
                objects.extend(ahead.list(rest, period, access)?);
                #[cfg(not(feature = "network"))]
                return Err(Usage(format!("s3://{rest}: this build of flowscore reads no buckets")).into());
            } else {
                objects.extend(files(name)?);
            }
        }
        objects.retain(|object| period.overlaps(object.time.as_ref()));
        if objects.is_empty() {
            let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
            let within = if period.is_all() { "" } else { ", or none within --from and --to" };
            return Err(Usage(format!("there are no files in {}{within}", names.join(", "))).into());
        }
        objects.sort_by_key(|object| object.time.as_ref().map_or(i64::MAX, |time| time.start));
        Ok(Inputs {
            #[cfg(feature = "network")]
            ahead,
            ..Inputs::of(objects, true)
        })
    }

    fn of(objects: Vec<Object>, is_unpacked: bool) -> Self {
        let size = objects.iter().map(|object| object.size).sum();
        Inputs {
            count: objects.len(),
            objects: objects.into_iter(),
            is_unpacked,
            current: None,
            done: 0,
            size,
            #[cfg(feature = "network")]
            ahead: Ahead::default(),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bytes of all of them, as they lie there, where that is known.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Bytes that were read.
    pub fn read(&self) -> u64 {
        self.done + self.current.as_ref().map_or(0, |(content, _)| content.read())
    }

    /// The files among those that are still to be read.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let objects = self.current.iter().map(|(_, object)| object).chain(self.objects.as_slice());
        objects.filter_map(Object::path)
    }

    /// Whether what comes next may have to wait for the other end of a pipe.
    pub fn would_wait(&self) -> bool {
        self.current.as_ref().is_some_and(|(content, _)| content.would_wait())
    }

    /// What comes next; none at the end.
    ///
    /// # Errors
    ///
    /// One of the inputs cannot be read.
    pub fn next_payload(&mut self) -> Result<Option<Next>> {
        loop {
            let Some((content, object)) = &mut self.current else {
                match self.open_next() {
                    Ok(true) => continue,
                    Ok(false) => return Ok(None),
                    Err(error) => match error.downcast::<Unopened>() {
                        Ok(Unopened(name, damage)) => return Ok(Some(Next::Damaged { name, damage })),
                        Err(error) => return Err(error),
                    },
                }
            };
            let name = &object.name;
            match content.next_payload() {
                Ok(Some(payload)) => {
                    let id = payload.id(name);
                    return Ok(Some(Next::Payload(payload.data, id)));
                }
                Ok(None) => self.close(),
                Err(ContentError::Damaged(damage)) if self.is_unpacked => {
                    let name = name.clone();
                    self.close();
                    return Ok(Some(Next::Damaged { name, damage }));
                }
                Err(ContentError::Damaged(Damage { reason, .. })) => {
                    return Err(anyhow::anyhow!("cannot read {name}: {reason}"));
                }
                Err(ContentError::Read(error)) => return Err(error).with_context(|| format!("cannot read {name}")),
            }
        }
    }

    fn close(&mut self) {
        if let Some((content, object)) = self.current.take() {
            self.done += object.size.unwrap_or_else(|| content.read());
        }
    }

    /// Opens the next one; false if there is none.
    fn open_next(&mut self) -> Result<bool> {
        let Some(object) = self.objects.next() else { return Ok(false) };
        let name = &object.name;
        let raw = match &object.place {
            Place::Stdin => Raw::Stream(Box::new(std::io::stdin())),
            Place::File(path) => Raw::File(File::open(path).map_err(|error| unreadable(path, &error))?),
            #[cfg(feature = "network")]
            Place::Bucket(bucket, key) => {
                Raw::Stream(Box::new(self.ahead.open(bucket, key, self.objects.as_slice())?))
            }
        };
        let is_stdin = matches!(object.place, Place::Stdin);
        let content = if self.is_unpacked && !is_stdin {
            Content::unpacked(raw).map_err(|error| match error {
                ContentError::Read(error) => anyhow::Error::new(error).context(format!("cannot read {name}")),
                ContentError::Damaged(damage) => Unopened(name.clone(), damage).into(),
            })?
        } else {
            Content::as_is(raw)
        };
        self.current = Some((content, object));
        Ok(true)
    }
}

/// A file that is damaged from its beginning on: its name, and what is wrong.
#[derive(Debug)]
struct Unopened(String, Damage);

impl std::fmt::Display for Unopened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0, self.1)
    }
}

impl std::error::Error for Unopened {}

impl Object {
    fn stdin() -> Self {
        Object { name: "stdin".into(), place: Place::Stdin, size: None, time: None }
    }

    /// The file that it is, if it is one.
    fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Stdin => Some(Path::new("-")),
            Place::File(path) => Some(path),
            #[cfg(feature = "network")]
            Place::Bucket(..) => None,
        }
    }

    fn file(path: &Path) -> Result<Self, Usage> {
        let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            return Err(unreadable(path, &"it is a directory; leave --input out to read the files in it"));
        }
        let name = path.to_string_lossy().into_owned();
        let time = event_time::of(&name);
        let size = metadata.is_file().then_some(metadata.len());
        Ok(Object { name, place: Place::File(path.to_owned()), size, time })
    }
}

fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> Usage {
    Usage(format!("cannot read the input {}: {reason}", path.display()))
}

/// The file, the files in the directory and those below it, or the files that fit the pattern, by name.
fn files(name: &Path) -> Result<Vec<Object>> {
    let pattern = name.to_str().filter(|text| text.contains(['*', '?', '[']) && !name.exists());
    let Some(pattern) = pattern else { return of_path(name) };
    let found = glob::glob(pattern).map_err(|error| Usage(format!("the pattern {pattern}: {error}")))?;
    let mut objects = Vec::new();
    for path in found {
        objects.extend(of_path(&path.map_err(|error| unreadable(error.path(), error.error()))?)?);
    }
    if objects.is_empty() {
        return Err(Usage(format!("no file fits the pattern {pattern}")).into());
    }
    Ok(objects)
}

fn of_path(path: &Path) -> Result<Vec<Object>> {
    if !path.is_dir() {
        return Ok(vec![Object::file(path)?]);
    }
    let mut objects = Vec::new();
    let unreadable = |error: std::io::Error| unreadable(path, &error);
    let mut entries: Vec<_> = path.read_dir().map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // Hidden files, and links to directories, which may lead in a circle, are left out.
        let is_link = entry.file_type().map_err(unreadable)?.is_symlink();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !(is_hidden || is_link && entry.path().is_dir()) {
            objects.extend(of_path(&entry.path())?);
        }
    }
    Ok(objects)
}

/// Objects of buckets that are asked for before it is their turn.
#[cfg(feature = "network")]
#[derive(Default)]
struct Ahead {
    runtime: Option<tokio::runtime::Runtime>,
    /// Those that were asked for, in their order.
    downloads: std::collections::VecDeque<(String, Download)>,
}

#[cfg(feature = "network")]
impl Ahead {
    /// The objects at `bucket/prefix`, by name.
    fn list(&mut self, place: &str, period: Period, access: &Access) -> Result<Vec<Object>> {
        let runtime = match &self.runtime {
            Some(runtime) => runtime,
            None => {
                self.runtime.insert(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
            }
        };
        let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
        if name.is_empty() {
            return Err(Usage(format!("s3://{place}: the name of the bucket is missing: s3://BUCKET/PREFIX/")).into());
        }
        runtime.block_on(async {
            let bucket = Bucket::open(name, access).await?;
            let mut found = bucket.list(prefix, period).await?;
            found.sort_by(|a, b| a.location.cmp(&b.location));
            let objects = found.into_iter().map(|object| {
                let key = object.location.to_string();
                let time = event_time::of(&key);
                Object {
                    name: bucket.url(&key),
                    size: Some(object.size),
                    time,
                    place: Place::Bucket(bucket.clone(), key),
                }
            });
            Ok(objects.collect())
        })
    }

    /// An object's bytes; those after it are asked for, too.
    fn open(&mut self, bucket: &Bucket, key: &str, after: &[Object]) -> Result<Download> {
        let runtime = self.runtime.as_ref().context("no bucket was listed")?.handle();
        let url = bucket.url(key);
        let first = self.downloads.pop_front().filter(|(name, _)| *name == url);
        let download = first.map_or_else(|| bucket.stream(runtime, key), |(_, download)| download);
        let coming = after.iter().filter_map(|object| match &object.place {
            Place::Bucket(bucket, key) => Some((bucket, key)),
            Place::Stdin | Place::File(_) => None,
        });
        for (bucket, key) in coming.take(AHEAD).skip(self.downloads.len()) {
            self.downloads.push_back((bucket.url(key), bucket.stream(runtime, key)));
        }
        Ok(download)
    }
}
