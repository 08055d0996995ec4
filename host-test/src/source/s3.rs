//! Objects of a bucket: which there are, and their bytes.
//!
//! Objects are found by their keys alone. Where a time is asked for, only folders are listed that may hold it: AWS writes flow logs
//! below `AWSLogs/<account>/vpcflowlogs/<region>/YYYY/MM/DD/` or `…/year=YYYY/month=MM/day=DD/`, with the hour below it on
//! request (see [`event_time`]).

use std::io::{self, Cursor, Read, Write};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::content::Raw;
use super::event_time;
use super::inputs::Period;
use crate::aws::{self, s3};
use crate::private;
use crate::usage::Usage;

/// Folders that are listed at the same time.
const LISTINGS: usize = 8;

/// Pieces of an object that wait to be read, some 4 MiB.
const PIECES: usize = 64;

/// The largest object that is kept in memory as a whole; a larger one goes to a temporary file.
const IN_MEMORY: u64 = 8 << 20;

/// A folder whose time is no longer is listed with all that is below it.
const DAY: i64 = 24 * 3_600_000;

/// Where buckets are.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The region, if not that of the environment or profile.
    pub region: Option<String>,
    /// The endpoint, if not that of the region.
    pub endpoint_url: Option<String>,
}

/// A bucket that is read.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    name: String,
}

impl Bucket {
    /// A bucket by its name. Nothing is read yet.
    ///
    /// # Errors
    ///
    /// The settings of the environment are wrong.
    pub async fn open(name: &str, access: &Access) -> Result<Self> {
        let url = format!("s3://{name}");
        let mut builder = s3::builder(&url);
        let region = match &access.region {
            Some(region) => Some(region.clone()),
            None if builder.get_config_value(&s3::REGION).is_some() => None,
            None => aws::loader(None).load().await.region().map(ToString::to_string),
        };
        if let Some(region) = region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &access.endpoint_url {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        let store = builder.build().map_err(|error| Usage(format!("{url}: {error}")))?;
        Ok(Bucket { store: Arc::new(store), name: name.to_owned() })
    }

    /// An object's address.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// The objects below a prefix, or the one that the prefix names, as far as their names don't say that they lie outside the
    /// period. Empty ones are left out.
    ///
    /// # Errors
    ///
    /// The bucket cannot be listed.
    pub async fn list(&self, prefix: &str, period: Period) -> Result<Vec<ObjectMeta>> {
        let failed = |error: Error| anyhow!("cannot list {}: {}", self.url(prefix), reason(&error));
        let path = Path::parse(prefix.trim_end_matches('/')).map_err(|error| Usage(format!("{prefix:?}: {error}")))?;
        let mut objects = Vec::new();
        let mut folders = vec![path.clone()];
        while !folders.is_empty() {
            let listings = futures_util::stream::iter(folders).map(|folder| self.list_folder(folder, period));
            let listings: Vec<_> = listings.buffered(LISTINGS).try_collect().await.map_err(failed)?;
            folders = Vec::new();
            for (found, below) in listings {
                objects.extend(found);
                folders.extend(below);
            }
        }
        if objects.is_empty() && !prefix.is_empty() && !prefix.ends_with('/') {
            match self.store.head(&path).await {
                Ok(object) => objects.push(object),
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        objects.retain(|object| object.size > 0 && period.overlaps(event_time::of(object.location.as_ref()).as_ref()));
        Ok(objects)
    }

    /// The objects in a folder, and the folders in it that are to be listed, too.
    async fn list_folder(&self, folder: Path, period: Period) -> object_store::Result<(Vec<ObjectMeta>, Vec<Path>)> {
        let time = event_time::of_folder(folder.as_ref());
        if period.is_all() || time.is_some_and(|time| time.end - time.start <= DAY || period.holds(&time)) {
            return Ok((self.store.list(Some(&folder)).try_collect().await?, Vec::new()));
        }
        let listing = self.store.list_with_delimiter(Some(&folder)).await?;
        let may_hold = |folder: &Path| period.overlaps(event_time::of_folder(folder.as_ref()).as_ref());
        Ok((listing.objects, listing.common_prefixes.into_iter().filter(may_hold).collect()))
    }

    /// An object's bytes as they come; they are asked for at once, and some are kept ready.
    pub fn stream(&self, runtime: &Handle, key: &str) -> Download {
        let (pieces, download) = mpsc::channel(PIECES);
        let (store, key) = (self.store.clone(), key.to_owned());
        runtime.spawn(async move {
            let failed = |error: Error| io::Error::other(reason(&error));
            let path = Path::parse(&key).map_err(io::Error::other);
            let got = match path {
                Ok(path) => store.get(&path).await.map_err(failed),
                Err(error) => Err(error),
            };
            let mut stream = match got {
                Ok(got) => got.into_stream(),
                Err(error) => return drop(pieces.send(Err(error)).await),
            };
            while let Some(piece) = stream.next().await {
                if pieces.send(piece.map_err(failed)).await.is_err() {
                    return;
                }
            }
        });
        Download { pieces: download, piece: Cursor::default() }
    }

    /// An object as a whole; none if it is not there any more.
    ///
    /// # Errors
    ///
    /// It cannot be read, or not be kept.
    pub async fn fetch(&self, key: &str) -> Result<Option<Raw>> {
        let url = self.url(key);
        let failed = |error: Error| anyhow!("cannot read {url}: {}", reason(&error));
        let path = Path::parse(key).map_err(|error| anyhow!("cannot read {url}: {error}"))?;
        let got = match self.store.get(&path).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            got => got.map_err(failed)?,
        };
        if got.meta.size <= IN_MEMORY {
            let bytes = got.bytes().await.map_err(failed)?;
            return Ok(Some(Raw::Stream(Box::new(Cursor::new(bytes)))));
        }
        let kept = || format!("cannot keep {url} in the directory for temporary files");
        let mut file = private::temporary().with_context(kept)?;
        let mut stream = got.into_stream();
        while let Some(piece) = stream.next().await {
            file.write_all(&piece.map_err(failed)?).with_context(kept)?;
        }
        io::Seek::rewind(&mut file).with_context(kept)?;
        Ok(Some(Raw::File(file)))
    }
}

/// Bytes of an object on their way. Reading waits for them, so it must not happen in a task.
#[derive(Debug)]
pub struct Download {
    pieces: mpsc::Receiver<io::Result<bytes::Bytes>>,
    piece: Cursor<bytes::Bytes>,
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = Cursor::new(piece?),
                None => return Ok(0),
            }
        }
    }
}

/// What a store says, with its causes, on one line.
fn reason(error: &Error) -> String {
    crate::usage::chain(error)
}
