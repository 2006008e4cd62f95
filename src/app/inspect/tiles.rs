//! Rectangles of a treemap, squarified.
//!
//! After Bruls, Huizing and van Wijk, [Squarified Treemaps](https://www.win.tue.nl/~vanwijk/stm.pdf):
//! a strip along the shorter side takes one more item as long as that makes the worst of its
//! rectangles more like a square. Areas are to each other as the weights are, rectangles do not
//! overlap, and together they fill the whole.

/// A rectangle.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rect {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// Its width.
    pub w: f64,
    /// Its height.
    pub h: f64,
}

impl Rect {
    fn middle(&self) -> (f64, f64) {
        (self.x + self.w / 2.0, self.y + self.h / 2.0)
    }
}

/// A rectangle for each weight, in the same order. Weights are best given the greatest first; those
/// that are not above zero get an empty rectangle.
#[must_use]
pub fn squarify(weights: &[f64], whole: Rect) -> Vec<Rect> {
    let total: f64 = weights.iter().filter(|weight| **weight > 0.0).sum();
    let scale = if total > 0.0 { whole.w * whole.h / total } else { 0.0 };
    let areas: Vec<f64> = weights.iter().map(|weight| weight.max(0.0) * scale).collect();
    let mut rects = Vec::with_capacity(areas.len());
    let mut rest = whole;
    let mut left = areas.as_slice();
    while !left.is_empty() {
        let side = rest.w.min(rest.h);
        let mut n = 1;
        let mut worst = worst_of(left.get(..1).unwrap_or_default(), side);
        while let Some(strip) = left.get(..n + 1) {
            let next = worst_of(strip, side);
            if next > worst {
                break;
            }
            (worst, n) = (next, n + 1);
        }
        let (strip, others) = left.split_at(n.min(left.len()));
        let area: f64 = strip.iter().sum();
        let is_wide = rest.w >= rest.h;
        // The last strip takes what is left, so that rounding leaves no gap.
        let is_last = others.iter().all(|area| *area <= 0.0);
        let long = if is_wide { rest.w } else { rest.h };
        let depth = match (is_last, side > 0.0) {
            (true, _) => long,
            (false, true) => (area / side).min(long),
            (false, false) => 0.0,
        };
        let mut at = 0.0;
        for one in strip {
            let length = if area > 0.0 { side * one / area } else { 0.0 };
            rects.push(if is_wide {
                Rect { x: rest.x, y: rest.y + at, w: depth, h: length }
            } else {
                Rect { x: rest.x + at, y: rest.y, w: length, h: depth }
            });
            at += length;
        }
        rest = if is_wide {
            Rect { x: rest.x + depth, w: rest.w - depth, ..rest }
        } else {
            Rect { y: rest.y + depth, h: rest.h - depth, ..rest }
        };
        left = others;
    }
    rects
}

/// How far the worst rectangle of a strip is from a square; 1 is one.
fn worst_of(strip: &[f64], side: f64) -> f64 {
    let sum: f64 = strip.iter().sum();
    let (mut least, mut most) = (f64::MAX, 0.0_f64);
    for area in strip {
        least = least.min(*area);
        most = most.max(*area);
    }
    if sum <= 0.0 || side <= 0.0 {
        return f64::MAX;
    }
    if least <= 0.0 {
        return f64::MAX;
    }
    let (side, sum) = (side * side, sum * sum);
    (side * most / sum).max(sum / (side * least))
}

/// A way to go from one rectangle to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Up.
    Up,
    /// Down.
    Down,
}

/// The nearest rectangle in a direction.
#[must_use]
pub fn neighbor(rects: &[Rect], from: usize, way: Way) -> Option<usize> {
    let start = rects.get(from)?;
    let (x, y) = start.middle();
    let mut best: Option<(f64, usize)> = None;
    for (idx, rect) in rects.iter().enumerate() {
        let (other_x, other_y) = rect.middle();
        // How far beyond the edge it begins, and how far it is to the side.
        let (ahead, aside) = match way {
            Way::Left => (start.x - (rect.x + rect.w), other_y - y),
            Way::Right => (rect.x - (start.x + start.w), other_y - y),
            Way::Up => (start.y - (rect.y + rect.h), other_x - x),
            Way::Down => (rect.y - (start.y + start.h), other_x - x),
        };
        if idx == from || ahead < -0.01 || rect.w <= 0.0 || rect.h <= 0.0 {
            continue;
        }
        let far = ahead.max(0.0) * 2.0 + aside.abs();
        if best.is_none_or(|(least, _)| far < least) {
            best = Some((far, idx));
        }
    }
    best.map(|(_, idx)| idx)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: Rect = Rect { x: 10.0, y: 20.0, w: 600.0, h: 400.0 };

    #[test]
    fn the_example_of_the_paper() {
        let whole = Rect { x: 0.0, y: 0.0, w: 6.0, h: 4.0 };
        let rects = squarify(&[6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], whole);
        let first = [Rect { x: 0.0, y: 0.0, w: 3.0, h: 2.0 }, Rect { x: 0.0, y: 2.0, w: 3.0, h: 2.0 }];
        assert_eq!(rects[..2], first);
        assert!((rects[2].y - 0.0).abs() < 1e-9 && (rects[2].h - 7.0 / 3.0).abs() < 1e-9, "{rects:?}");
    }

    #[test]
    fn arrows_go_to_what_lies_there() {
        let rects = squarify(&[6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], WHOLE);
        assert_eq!(neighbor(&rects, 0, Way::Down), Some(1));
        assert_eq!(neighbor(&rects, 1, Way::Up), Some(0));
        assert_eq!(neighbor(&rects, 0, Way::Left), None);
        assert_eq!(neighbor(&rects, 0, Way::Right), Some(2));
    }

    proptest! {
        #[test]
        fn tiles_fill_the_whole_in_proportion(mut weights in prop::collection::vec(0_u32..1_000_000, 1..60)) {
            weights.sort_unstable_by(|a, b| b.cmp(a));
            let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
            let total: f64 = weights.iter().sum();
            prop_assume!(total > 0.0);
            let rects = squarify(&weights, WHOLE);
            prop_assert_eq!(rects.len(), weights.len());
            let all = WHOLE.w * WHOLE.h;
            let mut sum = 0.0;
            for (rect, weight) in rects.iter().zip(&weights) {
                prop_assert!((rect.w * rect.h - all * weight / total).abs() < 1e-3, "{:?}", rect);
                prop_assert!(rect.x > WHOLE.x - 1e-6 && rect.x + rect.w < WHOLE.x + WHOLE.w + 1e-6);
                prop_assert!(rect.y > WHOLE.y - 1e-6 && rect.y + rect.h < WHOLE.y + WHOLE.h + 1e-6);
                sum += rect.w * rect.h;
            }
            prop_assert!((sum - all).abs() < 1e-2, "{} of {}", sum, all);
            for (idx, a) in rects.iter().enumerate() {
                for b in &rects[..idx] {
                    let w = (a.x + a.w).min(b.x + b.w) - a.x.max(b.x);
                    let h = (a.y + a.h).min(b.y + b.h) - a.y.max(b.y);
                    prop_assert!(w < 1e-6 || h < 1e-6, "{:?} and {:?}", a, b);
                }
            }
        }
    }
}
