//! The editor of `www/editor/editor.ts`, typed.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use super::bridge::meta;
use crate::app::assistant::{Assistant, Fold};
use crate::app::rows::InstructionRow;
use crate::app::state::{Comparison, Session};
use crate::app::update::EditorCommand;
use crate::app::view::EditorDiagnostic;

#[wasm_bindgen(
    inline_js = "export function load_module(url) { return import(new URL(url, document.baseURI).href); }"
)]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn load_module(url: &str) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    type Module;

    #[wasm_bindgen(method, catch)]
    fn mount(
        this: &Module,
        host: &HtmlElement,
        label: &str,
        on_change: &Closure<dyn FnMut(String)>,
        on_caret: &Closure<dyn FnMut(u32)>,
        on_hover: &Closure<dyn FnMut(u32)>,
        ask: &Closure<Ask>,
    ) -> Result<EditorHandle, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn view(
        this: &Module,
        host: &HtmlElement,
        text: &str,
        before: Option<&str>,
        path: &str,
        before_name: &str,
        name: &str,
    ) -> Result<(), JsValue>;

    type EditorHandle;

    #[wasm_bindgen(method, js_name = setText)]
    fn set_text(this: &EditorHandle, document: u32, text: &str);

    #[wasm_bindgen(method, js_name = takeStale)]
    fn take_stale(this: &EditorHandle) -> bool;

    #[wasm_bindgen(method, js_name = setMarks)]
    fn set_marks(this: &EditorHandle, marks: JsValue);

    #[wasm_bindgen(method, js_name = setFindings)]
    fn set_findings(this: &EditorHandle, findings: JsValue);

    #[wasm_bindgen(method, js_name = showHover)]
    fn show_hover(this: &EditorHandle, first: u32, last: u32);

    #[wasm_bindgen(method, js_name = showLine)]
    fn show_line(this: &EditorHandle, line: u32);

    #[wasm_bindgen(method, js_name = setFolds)]
    fn set_folds(this: &EditorHandle, folds: JsValue);

    #[wasm_bindgen(method)]
    fn compare(this: &EditorHandle, old: Option<&str>, name: &str, is_split: bool);

    #[wasm_bindgen(method)]
    fn command(this: &EditorHandle, name: &str);
    #[wasm_bindgen(method)]
    fn enter(this: &EditorHandle, line: Option<u32>) -> bool;
}

/// A question, the text, a place in it, and a name where one is asked for.
type Ask = dyn Fn(String, String, u32, String) -> JsValue;

/// A mark as the editor takes it.
#[derive(PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    line: u32,
    last_line: u32,
    kind: &'static str,
    label: String,
    is_first_cause: bool,
}

#[derive(Serialize)]
struct Edit<'a> {
    from: usize,
    to: usize,
    insert: &'a str,
}

/// A diagnostic as the editor takes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    from: usize,
    to: usize,
    is_error: bool,
    message: &'a str,
    url: Option<&'a str>,
    fix_label: Option<&'a str>,
    fix_edits: Vec<Edit<'a>>,
}

/// An editor on the page.
pub(super) struct Editor {
    handle: EditorHandle,
    _on_change: Closure<dyn FnMut(String)>,
    _on_caret: Closure<dyn FnMut(u32)>,
    _on_hover: Closure<dyn FnMut(u32)>,
    _ask: Closure<Ask>,
    /// The marks and diagnostics that it shows.
    marks: Vec<Mark>,
    diagnostics: Vec<EditorDiagnostic>,
    /// The folds that it has, and the revision that they were made of.
    folds: (Option<u64>, Vec<Fold>),
    /// How it compares, and with which of the pasts.
    comparison: Option<(Comparison, u64)>,
    /// The document that it shows.
    document: Option<u32>,
}

impl Editor {
    /// Loads the editor's code and puts it into `host`.
    pub(super) async fn mount(
        host: HtmlElement,
        on_change: impl FnMut(String) + 'static,
        on_caret: impl FnMut(u32) + 'static,
        on_hover: impl FnMut(u32) + 'static,
        assistant: Rc<RefCell<Assistant>>,
    ) -> Result<Self, JsValue> {
        let url = meta("layerlab-editor").ok_or("the page does not name its editor")?;
        let module: Module = load_module(&url).await?.unchecked_into();
        let (on_change, on_caret) = (Closure::new(on_change), Closure::new(on_caret));
        let on_hover = Closure::new(on_hover);
        let ask: Closure<Ask> = Closure::new(move |question: String, text: String, at: u32, name: String| {
            let answers = assistant.try_borrow();
            answers.map_or(JsValue::NULL, |assistant| answer(&assistant, &question, &text, at, &name))
        });
        let handle = module.mount(&host, "Dockerfile", &on_change, &on_caret, &on_hover, &ask)?;
        Ok(Self {
            handle,
            _on_change: on_change,
            _on_caret: on_caret,
            _on_hover: on_hover,
            _ask: ask,
            marks: Vec::new(),
            diagnostics: Vec::new(),
            folds: (None, Vec::new()),
            comparison: None,
            document: None,
        })
    }

    /// Shows the text of a document. What was typed in each is taken back in each.
    pub(super) fn show(&mut self, document: u32, text: &str) {
        if self.document.replace(document) != Some(document) {
            self.folds = (None, Vec::new());
        }
        self.handle.set_text(document, text);
    }

    /// Brings a line into view.
    pub(super) fn show_line(&self, line: u32) {
        self.handle.show_line(line);
    }

    /// Shows the lines of what is hovered elsewhere.
    pub(super) fn show_hover(&self, lines: Option<(u32, u32)>) {
        let (first, last) = lines.unwrap_or_default();
        self.handle.show_hover(first, last);
    }

    /// Shows marks and diagnostics, where they are others than those that it shows.
    pub(super) fn annotate(&mut self, rows: &[InstructionRow], diagnostics: &[EditorDiagnostic]) {
        let mark = |row: &InstructionRow| Mark {
            line: row.lines.first,
            last_line: row.lines.last,
            kind: row.mark.class(),
            label: format!("{}: {}", row.mark.label(), row.reason),
            is_first_cause: row.is_first_cause,
        };
        let marks: Vec<Mark> = rows.iter().map(mark).collect();
        let is_stale = self.handle.take_stale();
        if is_stale || marks != self.marks {
            self.handle.set_marks(plain(&marks));
            self.marks = marks;
        }
        if !is_stale && diagnostics == self.diagnostics {
            return;
        }
        let finding = |found: &'_ EditorDiagnostic| {
            let edits =
                found.fix_edits.iter().map(|(from, to, insert)| Edit { from: *from, to: *to, insert });
            serde_wasm_bindgen::to_value(&Finding {
                from: found.from,
                to: found.to,
                is_error: found.is_error,
                message: &found.message,
                url: found.url,
                fix_label: found.fix.as_ref().map(|fix| fix.label.as_str()),
                fix_edits: edits.collect(),
            })
        };
        let findings: js_sys::Array = diagnostics.iter().filter_map(|found| finding(found).ok()).collect();
        self.handle.set_findings(findings.into());
        self.diagnostics = diagnostics.to_vec();
    }

    /// Tells what can be folded, where that has changed.
    pub(super) fn set_folds(&mut self, revision: u64, assistant: &Assistant) {
        if self.folds.0 == Some(revision) {
            return;
        }
        let folds = assistant.folds();
        if folds != self.folds.1 {
            self.handle.set_folds(plain(&folds));
        }
        self.folds = (Some(revision), folds);
    }

    /// Compares with the Dockerfile that was built last, which has a name; or with nothing.
    pub(super) fn compare(
        &mut self,
        wanted: Option<(Comparison, &str)>,
        events_revision: u64,
        session: &Session,
    ) {
        let key = wanted.map(|(comparison, _)| (comparison, events_revision));
        if key == self.comparison {
            return;
        }
        self.comparison = key;
        match (wanted, session.last_build()) {
            (Some((comparison, name)), Some(built)) => {
                let is_split = comparison == Comparison::SideBySide;
                self.handle.compare(Some(&built.dockerfile), name, is_split);
            }
            _ => self.handle.compare(None, "", false),
        }
    }

    /// Puts the focus into it, with the caret on a line where one is named, if it is on screen.
    pub(super) fn enter(&self, line: Option<u32>) -> bool {
        self.handle.enter(line)
    }

    /// Has it do something.
    pub(super) fn command(&self, command: EditorCommand) {
        self.handle.command(match command {
            EditorCommand::Format => "format",
            EditorCommand::NextChange => "next change",
            EditorCommand::PreviousChange => "previous change",
        });
    }
}

/// Shows a text that is not edited, beside an earlier one where there is one. The first name is that
/// one's.
pub(super) fn view(
    host: HtmlElement,
    text: Rc<str>,
    before: Option<Rc<str>>,
    path: String,
    (before_name, name): (String, String),
) {
    wasm_bindgen_futures::spawn_local(async move {
        let Some(url) = meta("layerlab-editor") else { return };
        let module: Option<Module> = load_module(&url).await.ok().map(JsCast::unchecked_into);
        let shown = module.is_some_and(|module| {
            module.view(&host, &text, before.as_deref(), &path, &before_name, &name).is_ok()
        });
        if !shown {
            host.set_text_content(Some(&text));
        }
    });
}

fn plain<T: Serialize + ?Sized>(value: &T) -> JsValue {
    serde_wasm_bindgen::to_value(value).unwrap_or(JsValue::NULL)
}

/// A refusal is a text, everything else an object or nothing.
fn answer(assistant: &Assistant, question: &str, text: &str, at: u32, name: &str) -> JsValue {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    match question {
        "complete" => plain(&assistant.complete(text, at)),
        "help" => plain(&assistant.help(text, at)),
        "definition" => plain(&assistant.definition(text, at)),
        "format" => plain(&assistant.format(text)),
        "named" => assistant.named(text, at).map_or_else(|why| why.into(), |named| plain(&named)),
        "rename" => assistant.rename(text, at, name).map_or_else(|why| why.into(), |edits| plain(&edits)),
        _ => JsValue::NULL,
    }
}
