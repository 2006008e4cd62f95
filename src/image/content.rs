//! A file out of any layer, and whole layers, without reading the layers before.
//!
//! [`Contents`] owns the archive and holds a few layers open. An entry tells
//! where its headers stand in its layer's tar; one member is walked from there,
//! and its content read or streamed. *Viewing* ([`Contents::read`]) is bounded;
//! *saving* ([`Contents::stream`], [`Contents::stream_layer`]) holds one piece at
//! a time, whatever the size.
//!
//! Where a layer is stored plainly, only the entry is read. A compressed layer
//! has a reader that stays where it last stopped: files behind are reached by
//! going on, and what came out last is kept, up to a limit, and serves the
//! neighbors before. Only for a file before that the layer is begun again, and
//! never another layer. An archive that is compressed as a whole gets such a
//! reader of its own below those of its layers: it all works, and is dearer.
//!
//! There are no points to restart from. For gzip each would need the 32 KiB
//! before it and a place that is rarely at the edge of a byte: flate2 neither
//! stops where a deflate block ends nor begins within a byte. A Zstandard frame
//! can be begun at its first byte only, and a layer is mostly one frame. The many
//! members of eStargz and frames of zstd:chunked could serve; they are rare, and
//! are read like all others.
//!
//! Holes of sparse files are zeros. What inflates is held to [`Limits`] as it is
//! when the layer is listed. Damage ends a content early: what came out before it
//! is told, then the damage. That of gzip may be noticed late, and what comes out
//! until then be wrong; the layer's own problems and digests tell of it.

mod error;

use std::cell::{Cell, RefCell};
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::rc::Rc;

pub use self::error::ContentError;
use self::error::from_io;
use super::problem::Problem;
use super::{LayerPlan, damage_problem, read};
use crate::archive::compression::{Compression, Damage, Quota, unread_compression};
use crate::archive::onward::{Onward, Part, Shared, share};
use crate::archive::sparse::{Extent, Extents, SparseMap};
use crate::archive::tar::{Member, MemberKind, Seeking, TarError, Walk};
use crate::archive::{ByteSource, Limits, Window};
use crate::digest::Hasher;
use crate::layer::{LayerEntry, LayerTree};

/// How much of what came out of a compressed layer last a browser can well keep: more than most
/// folders hold. At the worst it is kept of [`MAX_OPEN`] layers and of the archive around them.
pub const KEPT_BYTES: usize = 32 << 20;

/// How many layers are open at a time; the one that was used longest ago gives way.
pub const MAX_OPEN: usize = 4;

/// No more bytes than these are read for viewing, whatever is asked for.
pub const MAX_VIEW_BYTES: u64 = 64 << 20;

/// Contents are handed on in pieces of this length.
const PIECE_BYTES: u64 = 1 << 20;

/// The headers of nearly every member fit; where they do not, they are read once more.
const HEADERS_BYTES: u64 = 8 << 10;

/// What happens while a content is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'b> {
    /// Bytes gone through of all that will be, those before the content among them.
    Progress {
        /// So far.
        done_bytes: u64,
        /// In all, as far as known yet.
        total_bytes: u64,
    },
    /// The content is found; told before its first bytes. A layer whose length is not known is not
    /// told of.
    Begun {
        /// Its whole length.
        size_bytes: u64,
    },
    /// The next bytes.
    Bytes(&'b [u8]),
}

/// Told of each event; answers whether to go on.
pub type OnEvent<'a> = dyn FnMut(Event<'_>) -> ControlFlow<()> + 'a;

/// Told of bytes gone through, so far and in all; answers whether to go on.
pub type OnProgress<'a> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'a;

/// In which form a layer is saved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayerForm {
    /// As stored: the blob that its digest names.
    Stored,
    /// The tar inside: what its diffID names.
    Tar,
}

/// A stretch of a file's content.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct View {
    /// The bytes; up to the damage, if there is any.
    pub bytes: Vec<u8>,
    /// Length of the whole content, once it is found. For a hard link that of the file that it names.
    pub size_bytes: Option<u64>,
    /// Why there are not more bytes.
    pub error: Option<ContentError>,
}

/// The tar of a layer.
enum Tar<'s> {
    Plain(Part<'s>),
    Inflated(Box<Onward<'s>>),
}

impl<'s> Tar<'s> {
    fn source(&mut self) -> &mut (dyn ByteSource + 's) {
        match self {
            Self::Plain(part) => part,
            Self::Inflated(onward) => &mut **onward,
        }
    }

    /// Where in the stored layer will be read next to get what stands at `offset`.
    fn stored_pos(&self, offset: u64) -> Option<u64> {
        match self {
            Self::Plain(_) => Some(offset),
            Self::Inflated(onward) => onward.stored_pos(offset),
        }
    }
}

/// Counts what is gone through, and hears whether to go on.
struct Progress<'c, 'e> {
    done_bytes: u64,
    total_bytes: u64,
    on_event: &'c mut OnEvent<'e>,
}

impl Progress<'_, '_> {
    fn tell(&mut self, event: Event<'_>) -> Result<(), ContentError> {
        match (self.on_event)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ContentError::Stopped),
        }
    }

    fn hand_on(&mut self, bytes: &[u8]) -> Result<(), ContentError> {
        self.tell(Event::Bytes(bytes))?;
        self.done_bytes += bytes.len() as u64;
        self.tell(Event::Progress { done_bytes: self.done_bytes, total_bytes: self.total_bytes })
    }

    /// Goes to `offset` of what is read onward.
    fn approach(&mut self, onward: &mut Onward<'_>, offset: u64) -> Result<(), ContentError> {
        let distance = onward.distance(offset);
        self.total_bytes = self.total_bytes.saturating_add(distance);
        let (start, total_bytes) = (self.done_bytes, self.total_bytes);
        let flow = onward.approach(offset, &mut |n_passed| {
            // The last step may lead a little farther.
            let done_bytes = start.saturating_add(n_passed.min(distance));
            (self.on_event)(Event::Progress { done_bytes, total_bytes })
        })?;
        self.done_bytes = start.saturating_add(distance);
        if flow.is_break() { Err(ContentError::Stopped) } else { Ok(()) }
    }
}

/// Reads contents out of an archive that was listed by [`super::open`].
pub struct Contents<'s> {
    /// The archive, what it is compressed with undone.
    archive: Shared<'s>,
    /// The same, where it is compressed as a whole.
    whole: Option<Rc<RefCell<Onward<'s>>>>,
    limits: Limits,
    kept_bytes: usize,
    /// By place and length in the archive; the one that was used last at the end.
    layers: Vec<((u64, u64), Tar<'s>)>,
    n_inflated: Rc<Cell<u64>>,
}

impl<'s> Contents<'s> {
    /// Takes an archive; its first few bytes are looked at. Of what comes out of each compressed
    /// layer, the last `kept_bytes` are kept, such as [`KEPT_BYTES`].
    ///
    /// # Errors
    /// Where the bytes cannot be had.
    pub fn new(
        source: Box<dyn ByteSource + 's>,
        limits: Limits,
        kept_bytes: usize,
    ) -> Result<Self, ContentError> {
        let size_bytes = source.size_bytes();
        let file = share(source);
        let mut part = Part::new(Rc::clone(&file), 0, size_bytes);
        let compression = Compression::sniff(&head(&mut part)?);
        let n_inflated: Rc<Cell<u64>> = Rc::default();
        let mut contents = Self {
            archive: file,
            whole: None,
            limits,
            kept_bytes,
            layers: Vec::new(),
            n_inflated: Rc::clone(&n_inflated),
        };
        if compression != Compression::None {
            let onward = Onward::new(part, compression, Quota::new(&limits), kept_bytes, n_inflated);
            let onward = Rc::new(RefCell::new(onward));
            contents.archive = Rc::clone(&onward) as Shared<'s>;
            contents.whole = Some(onward);
        }
        Ok(contents)
    }

    /// How many bytes came out of compressed data so far, each time that they did.
    #[must_use]
    pub fn inflated_bytes(&self) -> u64 {
        self.n_inflated.get()
    }

    /// Reads a file's content from `first_byte` on, at most `max_bytes` and [`MAX_VIEW_BYTES`].
    pub fn read(
        &mut self,
        plan: &LayerPlan,
        entry: &LayerEntry,
        first_byte: u64,
        max_bytes: u64,
        on_progress: &mut OnProgress<'_>,
    ) -> View {
        let mut view = View::default();
        let wanted = Wanted { first_byte, most_bytes: Some(max_bytes.min(MAX_VIEW_BYTES)) };
        let outcome = self.deliver(plan, entry, wanted, &mut |event| {
            match event {
                Event::Progress { done_bytes, total_bytes } => return on_progress(done_bytes, total_bytes),
                Event::Begun { size_bytes } => view.size_bytes = Some(size_bytes),
                Event::Bytes(bytes) => view.bytes.extend_from_slice(bytes),
            }
            ControlFlow::Continue(())
        });
        view.error = outcome.err();
        view
    }

    /// Hands a file's content on, piece by piece, and tells its length.
    ///
    /// # Errors
    /// Where it cannot be had, or not all of it: what stands before was handed on.
    pub fn stream(
        &mut self,
        plan: &LayerPlan,
        entry: &LayerEntry,
        on_event: &mut OnEvent<'_>,
    ) -> Result<u64, ContentError> {
        self.deliver(plan, entry, Wanted { first_byte: 0, most_bytes: None }, on_event)
    }

    /// Hashes the content of files of a layer, in the order in which they are stored. Those that
    /// cannot be read in full stay without a digest.
    ///
    /// # Errors
    /// Where it is stopped.
    pub fn hash(
        &mut self,
        plan: &LayerPlan,
        tree: &mut LayerTree,
        paths: &[String],
        on_progress: &mut OnProgress<'_>,
    ) -> Result<(), ContentError> {
        let mut files: Vec<(&String, &LayerEntry)> =
            paths.iter().filter_map(|path| Some((path, tree.get(path)?))).collect();
        files.sort_by_key(|(_, entry)| entry.offset);
        let total_bytes = files.iter().fold(0_u64, |sum, (_, entry)| sum.saturating_add(entry.size_bytes));
        let (mut digests, mut done_bytes) = (Vec::new(), 0_u64);
        for (path, entry) in files {
            let mut hasher = Hasher::default();
            let streamed = self.stream(plan, entry, &mut |event| match event {
                Event::Bytes(bytes) => {
                    hasher.update(bytes);
                    done_bytes = done_bytes.saturating_add(bytes.len() as u64);
                    on_progress(done_bytes, total_bytes)
                }
                Event::Progress { .. } | Event::Begun { .. } => ControlFlow::Continue(()),
            });
            match streamed {
                Ok(_) => digests.push((path.clone(), hasher.finish())),
                Err(ContentError::Stopped) => return Err(ContentError::Stopped),
                Err(_) => {}
            }
        }
        tree.set_digests(digests);
        Ok(())
    }

    /// Hands a whole layer on, piece by piece, and tells its length.
    ///
    /// # Errors
    /// Where it cannot be had, or not all of it: what stands before was handed on.
    pub fn stream_layer(
        &mut self,
        plan: &LayerPlan,
        form: LayerForm,
        on_event: &mut OnEvent<'_>,
    ) -> Result<u64, ContentError> {
        let mut progress = Progress { done_bytes: 0, total_bytes: plan.stored_bytes, on_event };
        let part = self.part(plan)?;
        self.approach_stored(plan, Some(0), &mut progress)?;
        let mut tar = match form {
            LayerForm::Stored => Tar::Plain(part),
            // Open layers stay where they stand, for the files that are looked at.
            LayerForm::Tar => self.open(plan, part, 0)?,
        };
        if let Tar::Plain(_) = tar {
            progress.tell(Event::Begun { size_bytes: plan.stored_bytes })?;
        }
        let before_bytes = progress.done_bytes;
        let mut piece = vec![0; usize::try_from(PIECE_BYTES).unwrap_or(0)];
        let mut pos = 0;
        loop {
            let n = tar.source().read_at(pos, &mut piece)?;
            if n == 0 {
                break;
            }
            pos += n as u64;
            progress.tell(Event::Bytes(piece.get(..n).unwrap_or(&[])))?;
            // Of what is inflated the end is not known, but that of what is stored.
            let n_stored = match &tar {
                Tar::Plain(_) => pos,
                Tar::Inflated(onward) => onward.n_stored(),
            };
            let (done_bytes, total_bytes) = (before_bytes + n_stored, progress.total_bytes);
            progress.tell(Event::Progress { done_bytes, total_bytes })?;
        }
        let is_cut = match &tar {
            Tar::Plain(_) => pos < plan.stored_bytes,
            Tar::Inflated(onward) => onward.damage().is_some(),
        };
        let what = "the archive ends within this layer".to_owned();
        if is_cut { Err(self.failed(&tar, Problem::Truncated { what })) } else { Ok(pos) }
    }

    /// The stored bytes of a layer.
    fn part(&self, plan: &LayerPlan) -> Result<Part<'s>, ContentError> {
        let Some(offset) = plan.offset else {
            let missing = read::missing_layer(plan).problems.into_iter().next();
            let missing = missing.unwrap_or_else(|| Problem::Missing { name: plan.member.clone() });
            return Err(ContentError::Damaged(missing));
        };
        Ok(Part::new(Rc::clone(&self.archive), offset, plan.stored_bytes))
    }

    /// Undoes what a layer is compressed with.
    fn open(&self, plan: &LayerPlan, mut part: Part<'s>, kept_bytes: usize) -> Result<Tar<'s>, ContentError> {
        let media_type = plan.media_type.as_ref().filter(|media_type| media_type.ends_with("+encrypted"));
        if let Some(media_type) = media_type.cloned() {
            return Err(ContentError::Damaged(Problem::Encrypted { media_type }));
        }
        let head = head(&mut part)?;
        if let Some(name) = unread_compression(&head) {
            let problem = Problem::UnsupportedCompression { compression: name.to_owned() };
            return Err(ContentError::Damaged(problem));
        }
        let n_inflated = Rc::clone(&self.n_inflated);
        Ok(match Compression::sniff(&head) {
            Compression::None => Tar::Plain(part),
            compression => {
                let quota = Quota::new(&self.limits);
                Tar::Inflated(Box::new(Onward::new(part, compression, quota, kept_bytes, n_inflated)))
            }
        })
    }

    /// Goes to a place of a stored layer, in an archive that is compressed as a whole.
    fn approach_stored(
        &self,
        plan: &LayerPlan,
        stored_pos: Option<u64>,
        progress: &mut Progress<'_, '_>,
    ) -> Result<(), ContentError> {
        let (Some(whole), Some(start), Some(stored_pos)) = (&self.whole, plan.offset, stored_pos) else {
            return Ok(());
        };
        let target = start.saturating_add(stored_pos);
        let mut whole = whole.borrow_mut();
        progress.approach(&mut whole, target)
    }

    /// Goes to a place of a layer's tar.
    fn approach(
        &self,
        plan: &LayerPlan,
        tar: &mut Tar<'s>,
        offset: u64,
        progress: &mut Progress<'_, '_>,
    ) -> Result<(), ContentError> {
        self.approach_stored(plan, tar.stored_pos(offset), progress)?;
        match tar {
            Tar::Plain(_) => Ok(()),
            Tar::Inflated(onward) => progress.approach(onward, offset),
        }
    }

    fn deliver(
        &mut self,
        plan: &LayerPlan,
        entry: &LayerEntry,
        wanted: Wanted,
        on_event: &mut OnEvent<'_>,
    ) -> Result<u64, ContentError> {
        let mut progress = Progress { done_bytes: 0, total_bytes: 0, on_event };
        match entry.kind {
            // Nothing has to be found for nothing.
            MemberKind::File if entry.size_bytes == 0 => {
                progress.tell(Event::Begun { size_bytes: 0 })?;
                return Ok(0);
            }
            MemberKind::File | MemberKind::HardLink => {}
            kind => return Err(ContentError::NoContent { kind }),
        }
        let part = self.part(plan)?;
        let key = (plan.offset.unwrap_or(0), plan.stored_bytes);
        let mut tar = match self.layers.iter().position(|(known, _)| *known == key) {
            Some(idx) => self.layers.remove(idx).1,
            None => {
                self.approach_stored(plan, Some(0), &mut progress)?;
                self.open(plan, part, self.kept_bytes)?
            }
        };
        let outcome = self.deliver_from(plan, &mut tar, entry, wanted, &mut progress);
        if self.layers.len() >= MAX_OPEN {
            self.layers.remove(0);
        }
        self.layers.push((key, tar));
        outcome
    }

    fn deliver_from(
        &self,
        plan: &LayerPlan,
        tar: &mut Tar<'s>,
        entry: &LayerEntry,
        wanted: Wanted,
        progress: &mut Progress<'_, '_>,
    ) -> Result<u64, ContentError> {
        self.approach(plan, tar, entry.offset, progress)?;
        let member = self.member_at(tar, entry)?;
        let body_offset = entry.offset.saturating_add(member.body_offset);
        let extents = match &member.sparse {
            None => Some(Extents::whole(member.size_bytes)),
            Some(SparseMap::Listed(list)) => Extents::of(list, member.size_bytes, 0, member.body_bytes),
            Some(SparseMap::InBody) => {
                let mut window = Window::quiet(tar.source());
                window
                    .seek(SeekFrom::Start(body_offset))
                    .and_then(|_| Extents::read(&mut window, member.size_bytes, member.body_bytes))
                    .map_err(|error| from_io(&error))?
            }
        };
        let Some(extents) = extents else {
            let what = "its sparse map is damaged".to_owned();
            return Err(self.failed(tar, Problem::BadHeader { what }));
        };
        progress.tell(Event::Begun { size_bytes: member.size_bytes })?;
        let holes_bytes = extents.holes_bytes();
        if wanted.most_bytes.is_none() && holes_bytes > self.limits.free_inflated_bytes {
            return Err(ContentError::TooManyZeros { holes_bytes });
        }
        let end = wanted.end().min(member.size_bytes);
        let mut pos = wanted.first_byte.min(end);
        progress.total_bytes = progress.total_bytes.saturating_add(end - pos);
        if let Some(Extent::Stored { body_offset: skipped, .. }) = extents.at(pos) {
            self.approach(plan, tar, body_offset.saturating_add(skipped), progress)?;
        }
        let mut piece = vec![0; usize::try_from((end - pos).min(PIECE_BYTES)).unwrap_or(0)];
        while let Some(extent) = extents.at(pos).filter(|_| pos < end) {
            let (Extent::Stored { n_bytes, .. } | Extent::Hole { n_bytes }) = extent;
            let n = usize::try_from(n_bytes.min(end - pos)).unwrap_or(usize::MAX).min(piece.len());
            let room = piece.get_mut(..n).unwrap_or(&mut []);
            let n = match extent {
                Extent::Hole { .. } => {
                    room.fill(0);
                    n
                }
                Extent::Stored { body_offset: at, .. } => {
                    tar.source().read_at(body_offset.saturating_add(at), room)?
                }
            };
            if n == 0 {
                let what = "the archive ends within this file".to_owned();
                return Err(self.failed(tar, Problem::Truncated { what }));
            }
            progress.hand_on(piece.get(..n).unwrap_or(&[]))?;
            pos += n as u64;
        }
        Ok(member.size_bytes)
    }

    /// The member from which an entry has its content.
    fn member_at(&self, tar: &mut Tar<'s>, entry: &LayerEntry) -> Result<Member, ContentError> {
        let walk = |tar: &mut Tar<'s>, most_bytes: u64| {
            let mut window = Window::quiet(tar.source()).until(entry.offset.saturating_add(most_bytes));
            window.seek(SeekFrom::Start(entry.offset))?;
            Walk::new(&mut Seeking(window), self.limits).next_member()
        };
        let member = match walk(tar, HEADERS_BYTES) {
            Ok(None) | Err(TarError::Truncated { .. }) => walk(tar, u64::MAX),
            known => known,
        };
        match member {
            Err(TarError::Io(error)) => Err(from_io(&error)),
            Ok(Some(member)) => match member.kind {
                MemberKind::File if entry.kind == MemberKind::HardLink => Ok(member),
                MemberKind::File if entry.size_bytes == member.size_bytes => Ok(member),
                MemberKind::File => Err(ContentError::Changed),
                MemberKind::HardLink => Err(ContentError::LinkLeadsNowhere { link: member.link }),
                kind if entry.kind == MemberKind::HardLink => Err(ContentError::NoContent { kind }),
                _ => Err(ContentError::Changed),
            },
            // When the layer was listed, this was whole.
            Ok(None) | Err(_) => match self.damage(tar) {
                Some(damage) => Err(ContentError::Damaged(damage_problem(damage))),
                None => Err(ContentError::Changed),
            },
        }
    }

    /// What is wrong with compressed data that ended early.
    fn damage(&self, tar: &Tar<'s>) -> Option<Damage> {
        let around = self.whole.as_ref().and_then(|whole| whole.borrow().damage().cloned());
        let own = match tar {
            Tar::Plain(_) => None,
            Tar::Inflated(onward) => onward.damage().cloned(),
        };
        match own {
            // That a layer ends too early follows from what is around it.
            None | Some(Damage::Truncated) => around.or(own),
            own => own,
        }
    }

    fn failed(&self, tar: &Tar<'s>, otherwise: Problem) -> ContentError {
        ContentError::Damaged(self.damage(tar).map_or(otherwise, damage_problem))
    }
}

/// Which bytes of a content are wanted.
#[derive(Clone, Copy)]
struct Wanted {
    first_byte: u64,
    /// `None` for all.
    most_bytes: Option<u64>,
}

impl Wanted {
    fn end(self) -> u64 {
        self.most_bytes.map_or(u64::MAX, |most_bytes| self.first_byte.saturating_add(most_bytes))
    }
}

/// The first bytes, as many as tell what the rest is.
fn head(part: &mut Part<'_>) -> Result<Vec<u8>, ContentError> {
    let mut head = Vec::new();
    Window::quiet(part).until(16).read_to_end(&mut head).map_err(|error| from_io(&error))?;
    Ok(head)
}
