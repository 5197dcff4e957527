//! Declarations, as the quick parser takes them, and the headers of loops.

use super::{Quick, Taken};
use crate::syntax::grammar::Rule;
use crate::syntax::skip_blank;

/// Words that begin a declaration which is left to the grammar, or that begin none.
const LEFT: [&str; 12] =
    ["", "else", "foreach", "if", "type", "test", "param", "assert", "moved", "removed", "accept", "export"];

impl Quick<'_, '_> {
    pub(super) fn decl(&mut self) -> Taken {
        self.nested(|quick| {
            let decl = quick.open(Rule::decl);
            if quick.keyword(Rule::export, "export").is_some() {
                quick.blank();
            }
            match quick.word() {
                "let" => quick.let_decl()?,
                "fn" => quick.fn_decl()?,
                "for" => quick.for_decl()?,
                "defaults" => quick.defaults_decl()?,
                "module" => quick.module_decl()?,
                "import" => quick.import_decl()?,
                "edition" => quick.edition_decl()?,
                word if LEFT.contains(&word) => return None,
                _ => quick.entity()?,
            }
            quick.close(decl);
            Some(())
        })
    }

    fn let_decl(&mut self) -> Taken {
        let decl = self.open(Rule::let_decl);
        self.keyword(Rule::kw_let, "let")?;
        self.blank();
        self.ident()?;
        self.blank();
        if self.colon().is_some() {
            self.blank();
            self.type_expr()?;
            self.blank();
        }
        self.equals(Rule::eq)?;
        self.blank();
        self.expr()?;
        self.close(decl);
        Some(())
    }

    fn fn_decl(&mut self) -> Taken {
        let decl = self.open(Rule::fn_decl);
        self.keyword(Rule::kw_fn, "fn")?;
        self.blank();
        self.ident()?;
        self.blank();
        let params = self.open(Rule::fn_params);
        self.sign(Rule::open_paren, b'(')?;
        self.blank();
        self.listed(b')', Self::fn_param)?;
        self.sign(Rule::close_paren, b')')?;
        self.close(params);
        self.blank();
        self.sign(Rule::result_mark, b':')?;
        self.blank();
        self.type_expr()?;
        self.blank();
        self.equals(Rule::eq)?;
        self.blank();
        self.expr()?;
        self.close(decl);
        Some(())
    }

    fn fn_param(&mut self) -> Taken {
        let param = self.open(Rule::fn_param);
        self.ident()?;
        self.blank();
        self.colon()?;
        self.blank();
        self.type_expr()?;
        self.close(param);
        Some(())
    }

    /// A type that is a name, or that or none.
    fn type_expr(&mut self) -> Taken {
        let type_expr = self.open(Rule::type_expr);
        let word = self.word();
        if matches!(word, "" | "Ref" | "Set" | "enum") || self.byte_after(word.len()) == Some(b'.') {
            return None;
        }
        self.leaf(Rule::type_name, word.len());
        self.blank();
        if self.sign(Rule::optional, b'?').is_some() && self.bytes.get(skip_blank(self.text, self.at)) == Some(&b'?')
        {
            return None;
        }
        self.close(type_expr);
        Some(())
    }

    fn defaults_decl(&mut self) -> Taken {
        let decl = self.open(Rule::defaults_decl);
        self.keyword(Rule::kw_defaults, "defaults")?;
        self.blank();
        self.ident()?;
        self.blank();
        self.keyword(Rule::kw_for, "for")?;
        self.blank();
        self.ident()?;
        self.blank();
        self.body()?;
        self.close(decl);
        Some(())
    }

    fn module_decl(&mut self) -> Taken {
        let decl = self.open(Rule::module_decl);
        self.keyword(Rule::kw_module, "module")?;
        self.blank();
        self.label()?;
        self.blank();
        self.equals(Rule::eq)?;
        self.blank();
        self.string()?;
        self.blank();
        self.body()?;
        self.close(decl);
        Some(())
    }

    fn import_decl(&mut self) -> Taken {
        let decl = self.open(Rule::import_decl);
        self.keyword(Rule::kw_import, "import")?;
        self.blank();
        self.string()?;
        self.blank();
        self.keyword(Rule::kw_as, "as")?;
        self.blank();
        self.ident()?;
        self.close(decl);
        Some(())
    }

    fn edition_decl(&mut self) -> Taken {
        let decl = self.open(Rule::edition_decl);
        self.keyword(Rule::kw_edition, "edition")?;
        self.blank();
        self.string()?;
        self.close(decl);
        Some(())
    }

    fn for_decl(&mut self) -> Taken {
        let decl = self.open(Rule::for_decl);
        self.header()?;
        let decls = self.open(Rule::decls);
        self.sign(Rule::open_brace, b'{')?;
        self.blank();
        while self.byte()? != b'}' {
            self.decl()?;
            self.blank();
        }
        self.sign(Rule::close_brace, b'}')?;
        self.close(decls);
        self.close(decl);
        Some(())
    }

    /// `for x in xs if condition`, and the blank after it.
    pub(super) fn header(&mut self) -> Taken {
        self.keyword(Rule::kw_for, "for")?;
        self.blank();
        self.range()?;
        self.blank();
        self.filter()
    }

    /// `x in xs`
    pub(super) fn range(&mut self) -> Taken {
        let binder = self.open(Rule::binder);
        self.ident()?;
        self.blank();
        if self.byte() == Some(b',') {
            self.at += 1;
            self.blank();
            self.ident()?;
        }
        self.close(binder);
        self.blank();
        self.keyword(Rule::kw_in, "in")?;
        self.blank();
        self.expr()
    }

    pub(super) fn filter(&mut self) -> Taken {
        if self.word() == "if" {
            self.keyword(Rule::kw_if, "if")?;
            self.blank();
            self.expr()?;
            self.blank();
        }
        Some(())
    }

    fn entity(&mut self) -> Taken {
        let entity = self.open(Rule::entity);
        let length = self.word().len();
        self.leaf(Rule::kind, length);
        self.blank();
        self.label()?;
        self.blank();
        if self.word() == "using" {
            self.keyword(Rule::kw_using, "using")?;
            self.blank();
            self.path()?;
            self.blank();
        }
        self.body()?;
        self.close(entity);
        Some(())
    }

    pub(super) fn label(&mut self) -> Taken {
        if self.byte() == Some(b'"') { self.string() } else { self.ident() }
    }

    fn path(&mut self) -> Taken {
        let path = self.open(Rule::path);
        self.ident()?;
        self.blank();
        // A longer one is left to the grammar: where it ends depends on the blanks in it.
        if self.byte() == Some(b'.') {
            return None;
        }
        self.close(path);
        Some(())
    }
}
