//! Which stages need which: circles are refused, and only what the target needs is built.

use std::collections::BTreeSet;

use super::convert::{Converter, Placement, Source};
use super::{GraphError, StageId};
use crate::text::{Lines, TextRange};

impl Converter<'_> {
    pub(super) fn add_deps(&mut self, idx: usize, placement: &Placement<'_>) {
        let Some(plan) = self.plans.get_mut(idx) else { return };
        for source in placement.sources.iter().flatten() {
            if let Source::Stage(stage) = source {
                plan.deps.insert(*stage, (placement.instruction.lines, placement.instruction.range));
            }
        }
    }

    pub(super) fn check_cycles(&self) -> Result<(), GraphError> {
        // Stages are visited with an explicit stack, so that no file can exhaust ours.
        let mut done = vec![false; self.plans.len()];
        let mut on_path = vec![false; self.plans.len()];
        let has = |flags: &[bool], idx: usize| flags.get(idx).copied().unwrap_or(false);
        let set = |flags: &mut [bool], idx: usize, to: bool| {
            flags.get_mut(idx).into_iter().for_each(|flag| *flag = to);
        };
        for start in 0..self.plans.len() {
            if has(&done, start) {
                continue;
            }
            set(&mut done, start, true);
            set(&mut on_path, start, true);
            let mut path: Vec<(usize, Vec<StageId>)> = vec![(start, self.deps_of(start))];
            while let Some((idx, rest)) = path.last_mut() {
                let idx = *idx;
                let Some(StageId(next)) = rest.pop() else {
                    set(&mut on_path, idx, false);
                    path.pop();
                    continue;
                };
                if has(&on_path, next) {
                    return Err(self.circle(start, &path, StageId(next)));
                }
                if !has(&done, next) {
                    set(&mut done, next, true);
                    set(&mut on_path, next, true);
                    path.push((next, self.deps_of(next)));
                }
            }
        }
        Ok(())
    }

    /// The stage that was begun with has the name; the way there and around has the lines.
    fn circle(&self, start: usize, path: &[(usize, Vec<StageId>)], closing: StageId) -> GraphError {
        let to = path.iter().skip(1).map(|(idx, _)| StageId(*idx)).chain([closing]);
        let way = path.iter().zip(to).filter_map(|((from, _), to)| self.plans.get(*from)?.deps.get(&to));
        let way: Vec<(Lines, TextRange)> = way.copied().collect();
        GraphError {
            message: format!("circular dependency detected on stage: {}", self.stage_name(start)),
            range: way.last().map_or(TextRange::default(), |(_, range)| *range),
            lines: Lines::merged(way.into_iter().map(|(lines, _)| lines).collect()),
        }
    }

    fn deps_of(&self, idx: usize) -> Vec<StageId> {
        self.plans.get(idx).map_or(Vec::new(), |plan| plan.deps.keys().rev().copied().collect())
    }

    pub(super) fn reachable(&self, target: StageId) -> BTreeSet<StageId> {
        let mut reachable = BTreeSet::new();
        let mut open = vec![target];
        while let Some(stage) = open.pop() {
            if reachable.insert(stage) {
                open.extend(self.deps_of(stage.0));
            }
        }
        reachable
    }
}
