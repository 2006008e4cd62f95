//! Where everything of the picture stands: stages as columns of slabs, what connects them, and
//! the path that a rebuild takes.
//!
//! Lengths are those of the drawing, which is scaled as a whole. Stages stand left to right by
//! what they depend on; those of equal depth share a column, the first one lowest. A stage that
//! is folded takes one slab which tells its states. Layers lie on top of each other, so that `y`
//! falls from the base image up.

use std::collections::BTreeSet;

use super::stack::{Column, Slab, SlabKind, UseKind};
use super::view::Mark;

/// Width of a slab.
pub const SLAB_WIDTH: i32 = 300;
/// Height of a slab of which no size is known, and of the smallest.
pub const SLAB_HEIGHT: i32 = 46;
/// A slab is that much higher for each power of ten that its layer is beyond a megabyte.
const DECADE_HEIGHT: i32 = 16;
/// Beyond so many powers of ten it grows no more.
const MAX_DECADES: f64 = 4.0;
/// Height of a layer of a base image, which is drawn as a thin one.
pub const THIN_HEIGHT: i32 = 20;
const GAP: i32 = 6;
const COLUMN_GAP: i32 = 72;
const MARGIN: i32 = 18;
const HEAD: i32 = 30;
/// Room for the rebuild path right of the slabs.
const PATH_ROOM: i32 = 26;

/// With more stages than this the ones that nothing is to be seen in are folded at first.
const MANY_STAGES: usize = 12;

/// A base image of up to so many layers shows them at first.
const FEW_LAYERS: usize = 5;

/// What the reader folded or unfolded, apart from what is so at first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Folds {
    /// Stages that are turned to the other way.
    pub stages: BTreeSet<usize>,
    /// Base images, by the stage that begins with them, that are turned to the other way.
    pub bases: BTreeSet<usize>,
}

/// A slab with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// What it shows.
    pub slab: Slab,
    /// Its left edge.
    pub x: i32,
    /// Its upper edge.
    pub y: i32,
    /// Its height, by the logarithm of the layer's size.
    pub height: i32,
    /// How late it changes its look, when several do: the first cause first.
    pub delay: usize,
}

/// A stage with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stage {
    /// Which one.
    pub idx: usize,
    /// Its name.
    pub name: String,
    /// It is the target.
    pub is_target: bool,
    /// The target needs it.
    pub is_needed: bool,
    /// It is one slab.
    pub is_folded: bool,
    /// It can be folded or unfolded.
    pub can_fold: bool,
    /// Its left edge.
    pub x: i32,
    /// The upper edge, its name included.
    pub y: i32,
    /// Its slabs, lowest first.
    pub slabs: Vec<Placed>,
    /// Layers of the base image, lowest first, with their upper edges: drawn below the slabs.
    pub base_layers: Vec<(String, i32)>,
    /// How many layers the base has, where that is known; they can be shown or hidden.
    pub n_base_layers: usize,
    /// The rebuild's way within the stage: heights of its first and its last slab.
    pub path: Option<(i32, i32)>,
}

/// A stage that is used by another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connector {
    /// How.
    pub kind: UseKind,
    /// The instructions whose slabs it leads from and to.
    pub ends: (Option<usize>, Option<usize>),
    /// The stages that it leads from and to.
    pub stages: (usize, usize),
    /// What rebuilds leads along here to what rebuilds.
    pub is_hot: bool,
    /// Where it begins.
    pub from: (i32, i32),
    /// Where it ends.
    pub to: (i32, i32),
    /// In words.
    pub label: String,
}

/// The picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// Its width.
    pub width: i32,
    /// Its height.
    pub height: i32,
    /// The stages.
    pub stages: Vec<Stage>,
    /// What connects them.
    pub connectors: Vec<Connector>,
}

/// A direction to go in, from slab to slab.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// To what lies on top.
    Up,
    /// To what lies below.
    Down,
    /// To a stage that is used.
    Left,
    /// To a stage that uses this one.
    Right,
    /// To the lowest slab of the stage.
    First,
    /// To its top.
    Last,
}

fn is_hot(mark: Mark) -> bool {
    matches!(mark, Mark::Rebuild | Mark::Conditional)
}

/// How high a slab is: a layer of a megabyte or less is as high as its two lines, and each power of
/// ten beyond that adds as much.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a few dozen units")]
fn slab_height(slab: &Slab) -> i32 {
    let decades = slab.size_bytes.map_or(0.0, |bytes| (bytes as f64 / 1e6).max(1.0).log10().min(MAX_DECADES));
    SLAB_HEIGHT + (decades * f64::from(DECADE_HEIGHT)) as i32
}

fn as_len(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Something is to be seen in it without being asked for.
fn is_open_at_first(columns: &[Column], column: &Column, selected: Option<usize>) -> bool {
    let is_noted = |slab: &Slab| slab.is_first_cause || selected.is_some() && slab.instruction == selected;
    let has_noted = column.slabs.iter().any(is_noted);
    columns.len() <= MANY_STAGES || column.is_target || has_noted
}

/// A stage's own slab while it is folded.
fn folded(column: &Column) -> Slab {
    let layers = || column.slabs.iter().filter(|slab| slab.kind == SlabKind::Layer);
    let mut counts: Vec<(Mark, usize)> = Vec::new();
    for slab in layers() {
        match counts.iter_mut().find(|(mark, _)| *mark == slab.mark) {
            Some((_, n)) => *n += 1,
            None => counts.push((slab.mark, 1)),
        }
    }
    let heaviest = layers().max_by_key(|slab| (slab.is_first_cause, slab.mark.weight()));
    let counts: Vec<String> = counts.iter().map(|(mark, n)| format!("{n} {}", mark.label())).collect();
    let base = column.slabs.first();
    Slab {
        kind: SlabKind::Layer,
        label: column.name.clone(),
        note: if counts.is_empty() { "no step of its own".to_owned() } else { counts.join(", ") },
        mark: heaviest.or(base).map_or(Mark::Metadata, |slab| slab.mark),
        instruction: heaviest.or(base).and_then(|slab| slab.instruction),
        is_first_cause: column.slabs.iter().any(|slab| slab.is_first_cause),
        size_bytes: None,
    }
}

/// What of a stage is drawn.
struct Drawn {
    slabs: Vec<Slab>,
    base_layers: Vec<String>,
    is_folded: bool,
}

impl Drawn {
    fn of(columns: &[Column], idx: usize, column: &Column, folds: &Folds, selected: Option<usize>) -> Self {
        let is_turned = folds.stages.contains(&idx);
        let is_open = is_open_at_first(columns, column, selected) != is_turned;
        if !is_open && column.is_needed {
            return Self { slabs: vec![folded(column)], base_layers: Vec::new(), is_folded: true };
        }
        let has_few = (1..=FEW_LAYERS).contains(&column.base_layers.len());
        let shows_base = column.is_needed && has_few != folds.bases.contains(&idx);
        let base_layers = if shows_base { column.base_layers.clone() } else { Vec::new() };
        Self { slabs: column.slabs.clone(), base_layers, is_folded: false }
    }

    /// The height that it takes, its name included.
    fn height(&self) -> i32 {
        let slabs: i32 = self.slabs.iter().map(|slab| slab_height(slab) + GAP).sum();
        HEAD + slabs + as_len(self.base_layers.len()) * THIN_HEIGHT
    }
}

/// Lays the stages out.
#[must_use]
pub fn lay_out(columns: &[Column], folds: &Folds, selected: Option<usize>) -> Picture {
    let drawn: Vec<Drawn> = columns
        .iter()
        .enumerate()
        .map(|(idx, column)| Drawn::of(columns, idx, column, folds, selected))
        .collect();
    let n_columns = columns.iter().map(|column| column.depth + 1).max().unwrap_or(1);
    let mut used = vec![0; n_columns];
    for (column, drawn) in columns.iter().zip(&drawn) {
        if let Some(slot) = used.get_mut(column.depth) {
            *slot += drawn.height();
        }
    }
    let height = 2 * MARGIN + used.iter().copied().max().unwrap_or(0);
    let mut floors = vec![height - MARGIN; n_columns];
    let mut delay = 0;
    let mut stages = Vec::new();
    for (idx, (column, drawn)) in columns.iter().zip(drawn).enumerate() {
        let Some(floor) = floors.get_mut(column.depth) else { continue };
        let x = MARGIN + as_len(column.depth) * (SLAB_WIDTH + COLUMN_GAP);
        let mut y = *floor;
        *floor -= drawn.height();
        let base_layers = drawn.base_layers.into_iter().map(|label| {
            y -= THIN_HEIGHT;
            (label, y)
        });
        let base_layers = base_layers.collect();
        let slabs = drawn.slabs.into_iter().map(|slab| {
            let height = slab_height(&slab);
            y -= height + GAP;
            delay += usize::from(is_hot(slab.mark));
            Placed { slab, x, y, height, delay: delay.saturating_sub(1) }
        });
        let slabs: Vec<Placed> = slabs.collect();
        let hot: Vec<i32> = slabs
            .iter()
            .filter(|placed| is_hot(placed.slab.mark) && placed.slab.kind != SlabKind::Container)
            .map(Placed::middle)
            .collect();
        stages.push(Stage {
            idx,
            name: column.name.clone(),
            is_target: column.is_target,
            is_needed: column.is_needed,
            is_folded: drawn.is_folded,
            can_fold: column.is_needed && column.slabs.len() > 1 && columns.len() > 1,
            x,
            y: *floor,
            slabs,
            base_layers,
            n_base_layers: if drawn.is_folded { 0 } else { column.base_layers.len() },
            path: hot.first().copied().zip(hot.last().copied()),
        });
    }
    let connectors = columns
        .iter()
        .enumerate()
        .flat_map(|(idx, column)| column.uses.iter().map(move |used| (idx, used)))
        .filter_map(|(idx, used)| {
            let (source, taker) = (stages.get(used.stage)?, stages.get(idx)?);
            let end = taker.slab_of(used.instruction)?;
            let start = source.top()?;
            let what = match used.kind {
                UseKind::From => "begins with",
                UseKind::Copy => "copies from",
                UseKind::Mount => "mounts files of",
            };
            Some(Connector {
                kind: used.kind,
                ends: (start.slab.instruction, end.slab.instruction),
                stages: (used.stage, idx),
                is_hot: is_hot(start.slab.mark) && is_hot(end.slab.mark),
                from: (start.x + SLAB_WIDTH, start.middle()),
                to: (end.x, end.middle()),
                label: format!("{} {what} {}", taker.name, source.name),
            })
        })
        .collect();
    let n = as_len(n_columns);
    let width = 2 * MARGIN + n * SLAB_WIDTH + (n - 1) * COLUMN_GAP + PATH_ROOM;
    Picture { width, height, stages, connectors }
}

impl Placed {
    fn middle(&self) -> i32 {
        self.y + self.height / 2
    }
}

impl Stage {
    /// The slab of an instruction; the only one of a stage that is folded stands for all.
    fn slab_of(&self, instruction: usize) -> Option<&Placed> {
        let of_it = self.slabs.iter().find(|placed| placed.slab.instruction == Some(instruction));
        of_it.or_else(|| self.slabs.first().filter(|_| self.is_folded))
    }

    /// What others see of it: its last layer.
    fn top(&self) -> Option<&Placed> {
        self.slabs.iter().rfind(|placed| placed.slab.kind != SlabKind::Container)
    }
}

impl Picture {
    /// The instruction that is reached from another one.
    #[must_use]
    pub fn next(&self, from: usize, direction: Direction) -> Option<usize> {
        let place = |stage: &&Stage| stage.slabs.iter().any(|placed| placed.slab.instruction == Some(from));
        let stage = self.stages.iter().find(place)?;
        let chosen: Vec<&Placed> =
            stage.slabs.iter().filter(|placed| placed.slab.instruction.is_some()).collect();
        let at = chosen.iter().position(|placed| placed.slab.instruction == Some(from))?;
        let here = chosen.get(at)?;
        let found = match direction {
            Direction::Up => chosen.get(at + 1).copied(),
            Direction::Down => at.checked_sub(1).and_then(|below| chosen.get(below)).copied(),
            Direction::First => chosen.first().copied(),
            Direction::Last => chosen.last().copied(),
            Direction::Left => {
                let of_stage = self.connectors.iter().filter(|connector| connector.stages.1 == stage.idx);
                let nearest = of_stage.min_by_key(|connector| (connector.to.1 - here.y).abs());
                let used = nearest.and_then(|connector| connector.ends.0);
                return used.or_else(|| self.beside(here, |x| x < here.x)?.slab.instruction);
            }
            Direction::Right => {
                let of_stage = self.connectors.iter().filter(|connector| connector.stages.0 == stage.idx);
                let nearest =
                    of_stage.min_by_key(|connector| (connector.to.0, (connector.to.1 - here.y).abs()));
                let using = nearest.and_then(|connector| connector.ends.1);
                return using.or_else(|| self.beside(here, |x| x > here.x)?.slab.instruction);
            }
        };
        found?.slab.instruction
    }

    /// The nearest slab of the nearest column of a side.
    fn beside(&self, here: &Placed, is_there: impl Fn(i32) -> bool) -> Option<&Placed> {
        let all = self.stages.iter().flat_map(|stage| &stage.slabs);
        all.filter(|placed| placed.slab.instruction.is_some() && is_there(placed.x))
            .min_by_key(|placed| ((placed.x - here.x).abs(), (placed.y - here.y).abs()))
    }

    /// The instruction that the keyboard reaches first: the chosen one if it is drawn.
    #[must_use]
    pub fn entry(&self, selected: Option<usize>) -> Option<usize> {
        let all =
            || self.stages.iter().flat_map(|stage| &stage.slabs).filter_map(|placed| placed.slab.instruction);
        all().find(|instruction| Some(*instruction) == selected).or_else(|| all().next())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::app::analysis::Analysis;
    use crate::app::history::{Event, History};
    use crate::app::state::{Session, State};
    use crate::app::view::simulate;

    /// The columns of a file that was built as `before` and is `now`.
    fn columns(before: &str, now: &str) -> Vec<Column> {
        let mut session = Session::example();
        session.now.dockerfile = before.to_owned();
        session.events = vec![Event::Built(Rc::new(session.now.clone()))];
        session.now.dockerfile = now.to_owned();
        let state = State::new(session, "test");
        let history =
            History::replay(&state.session.events, state.session.reruns, &state.session.images, None);
        let analysis = Analysis::new(&state, &history, None);
        simulate(&state, &history, &analysis).columns.to_vec()
    }

    const TWO: &str = "FROM alpine AS build\nRUN make\nFROM build AS test\nRUN check\nFROM scratch\n\
        COPY --from=build /a /a\nRUN --mount=from=test,target=/t ls\n";

    #[test]
    fn stages_stand_by_what_they_depend_on_and_are_connected_by_kind() {
        let columns = columns(TWO, TWO);
        let picture = lay_out(&columns, &Folds::default(), None);
        let xs: Vec<i32> = picture.stages.iter().map(|stage| stage.x).collect();
        let step = SLAB_WIDTH + COLUMN_GAP;
        assert_eq!(xs, [MARGIN, MARGIN + step, MARGIN + 2 * step]);
        let kinds: Vec<(UseKind, &str)> =
            picture.connectors.iter().map(|connector| (connector.kind, connector.label.as_str())).collect();
        let expected = [
            (UseKind::From, "test begins with build"),
            (UseKind::Copy, "stage-2 copies from build"),
            (UseKind::Mount, "stage-2 mounts files of test"),
        ];
        assert_eq!(kinds, expected);
        assert!(
            picture.connectors.iter().all(|connector| !connector.is_hot && connector.from.0 < connector.to.0)
        );
    }

    #[test]
    fn what_rebuilds_is_followed_from_stage_to_stage() {
        let columns = columns(TWO, &TWO.replace("RUN make", "RUN make all"));
        let picture = lay_out(&columns, &Folds::default(), None);
        let paths: Vec<bool> = picture.stages.iter().map(|stage| stage.path.is_some()).collect();
        assert_eq!(paths, [true, true, true]);
        assert!(picture.connectors.iter().filter(|connector| connector.is_hot).count() >= 2);
        let delays: Vec<usize> =
            picture.stages.iter().flat_map(|stage| &stage.slabs).map(|placed| placed.delay).collect();
        assert!(delays.is_sorted(), "{delays:?}");
    }

    #[test]
    fn a_large_layer_is_higher_and_nothing_overlaps() {
        let text = "FROM alpine\nCOPY a /a\nRUN big\nRUN unknown\n";
        let mut session = Session::example();
        session.now.dockerfile = text.to_owned();
        session.sizes = [("RUN big".to_owned(), 100_000_000)].into();
        let state = State::new(session, "test");
        let history = History::replay(&[], state.session.reruns, &state.session.images, None);
        let analysis = Analysis::new(&state, &history, None);
        let picture = lay_out(&simulate(&state, &history, &analysis).columns, &Folds::default(), None);
        let slabs = &picture.stages[0].slabs;
        let heights: Vec<i32> = slabs.iter().map(|placed| placed.height).collect();
        let high = SLAB_HEIGHT + 2 * DECADE_HEIGHT;
        assert_eq!(heights, [SLAB_HEIGHT, SLAB_HEIGHT, high, SLAB_HEIGHT, SLAB_HEIGHT]);
        assert!(slabs.windows(2).all(|two| two[1].y + two[1].height + GAP == two[0].y));
        let of = |bytes| slab_height(&Slab { size_bytes: Some(bytes), ..slabs[2].slab.clone() });
        assert_eq!((of(0), of(1_000_000), of(10_000_000)), (46, 46, 62));
        assert_eq!(of(u64::MAX), SLAB_HEIGHT + 4 * DECADE_HEIGHT);
    }

    #[test]
    fn arrows_lead_from_slab_to_slab() {
        let columns = columns(TWO, TWO);
        let picture = lay_out(&columns, &Folds::default(), None);
        let next = |from, direction| picture.next(from, direction);
        assert_eq!((next(0, Direction::Up), next(1, Direction::Up)), (Some(1), None));
        assert_eq!((next(1, Direction::Down), next(0, Direction::Down)), (Some(0), None));
        assert_eq!((next(1, Direction::Right), next(0, Direction::Left)), (Some(2), None));
        assert_eq!((next(6, Direction::Left), next(5, Direction::Left)), (Some(3), Some(1)));
        assert_eq!((next(4, Direction::Last), next(6, Direction::First)), (Some(6), Some(4)));
        assert_eq!(next(99, Direction::Up), None);
        assert_eq!(
            (picture.entry(Some(3)), picture.entry(Some(99)), picture.entry(None)),
            (Some(3), Some(0), Some(0))
        );
    }

    #[test]
    fn many_stages_are_folded_but_for_those_that_matter() {
        let stage = |n: usize| format!("FROM alpine AS s{n}\nRUN one {n}\nRUN two {n}\n");
        let copies: String = (0..20).map(|n| format!("COPY --from=s{n} /a /{n}\n")).collect();
        let before: String = (0..20).map(stage).chain([format!("FROM scratch\n{copies}")]).collect();
        let columns = columns(&before, &before.replace("RUN two 7", "RUN three 7"));
        let picture = lay_out(&columns, &Folds::default(), None);
        let open: Vec<usize> =
            picture.stages.iter().filter(|stage| !stage.is_folded).map(|stage| stage.idx).collect();
        assert_eq!(open, [7, 20]);
        assert_eq!(picture.stages[3].slabs[0].slab.note, "2 cached");
        assert_eq!(picture.connectors.len(), 20);
        // What is chosen is seen, and the reader has the last word.
        let chosen = lay_out(&columns, &Folds::default(), columns[3].slabs[1].instruction);
        assert!(!chosen.stages[3].is_folded);
        let folds = Folds { stages: [0, 7].into(), ..Folds::default() };
        let turned = lay_out(&columns, &folds, None);
        assert!(!turned.stages[0].is_folded && turned.stages[7].is_folded);
        assert!(turned.stages[7].slabs[0].slab.is_first_cause);
        // Nothing overlaps.
        for picture in [picture, chosen, turned] {
            let mut places: Vec<(i32, i32)> = picture
                .stages
                .iter()
                .flat_map(|stage| &stage.slabs)
                .map(|placed| (placed.x, placed.y))
                .collect();
            places.sort_unstable();
            assert!(places.windows(2).all(|two| two[0].0 < two[1].0 || two[0].1 + SLAB_HEIGHT < two[1].1));
        }
    }
}
