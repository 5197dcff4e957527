//! What the parser expected, in words of the reader. Owns the one match from rule to word; a new rule of the
//! grammar does not compile before it has its word here, or is said to have none.

use super::grammar::Rule;

/// At most so many words in one message.
const MOST: usize = 5;

/// "expected X or Y, found Z".
pub(super) fn message(expected: &[Rule], found: &str) -> String {
    let mut words: Vec<&'static str> = Vec::new();
    for word in expected.iter().filter_map(|rule| word(*rule)) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    // A value and a type begin in many ways; only what closes something is worth a word beside them.
    if let Some(wanted) = words.iter().copied().find(|word| [VALUE, TYPE].contains(word)) {
        words.retain(|word| *word == wanted || CLOSING.contains(word));
    }
    if words.iter().any(|word| ![OPERATOR, COMMA].contains(word)) {
        words.retain(|word| *word != OPERATOR);
    }
    words.sort_by_key(|word| (rank(word), *word));
    words.truncate(MOST);
    match words.as_slice() {
        [] => format!("unexpected {found}"),
        [one] => format!("expected {one}, found {found}"),
        [first @ .., last] => format!("expected {} or {last}, found {found}", first.join(", ")),
    }
}

const VALUE: &str = "a value";
const NAME: &str = "a name";
const STRING: &str = "a string";
const TYPE: &str = "a type";
const CLOSING: [&str; 4] = ["`)`", "`]`", "`}`", "`>`"];
const OPERATOR: &str = "an operator";
const COMMA: &str = "`,`";

/// Kinds of things first, then marks, then keywords.
fn rank(word: &str) -> u8 {
    match word {
        OPERATOR => 3,
        word if !word.starts_with('`') => 0,
        word if word.chars().nth(1).is_some_and(char::is_alphabetic) => 2,
        _ => 1,
    }
}

/// What a reader calls what the rule takes; `None` for what is never said.
fn word(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::file | Rule::declaration | Rule::decl | Rule::entity | Rule::kind => "a declaration",
        Rule::edition_decl | Rule::import_decl | Rule::let_decl | Rule::fn_decl | Rule::type_decl => "a declaration",
        Rule::param_decl | Rule::defaults_decl | Rule::module_decl | Rule::moved_decl => "a declaration",
        Rule::removed_decl | Rule::accept_decl | Rule::for_decl | Rule::if_decl => "a declaration",
        Rule::assert_decl | Rule::test_decl | Rule::export => "a declaration",
        Rule::kw_edition | Rule::kw_import | Rule::kw_let | Rule::kw_fn | Rule::kw_type => "a declaration",
        Rule::kw_param | Rule::kw_defaults | Rule::kw_module | Rule::kw_moved | Rule::kw_removed => "a declaration",
        Rule::kw_accept | Rule::kw_assert | Rule::kw_test => "a declaration",
        Rule::steps | Rule::expect | Rule::kw_expect => "`expect`",
        Rule::items | Rule::field | Rule::block | Rule::body_for | Rule::condition | Rule::override_mark => "a field",
        Rule::fn_params | Rule::open_paren => "`(`",
        Rule::fn_param => "a parameter",
        Rule::result_mark | Rule::colon => "`:`",
        Rule::path | Rule::binder | Rule::ident => NAME,
        Rule::decls | Rule::test_body | Rule::body | Rule::open_brace => "`{`",
        Rule::close_brace => "`}`",
        Rule::list_type | Rule::open_bracket => "`[`",
        Rule::close_bracket => "`]`",
        Rule::close_paren => "`)`",
        Rule::close_angle => "`>`",
        Rule::condition_op => "a test such as `==` or `in`",
        Rule::type_expr | Rule::type_name | Rule::ref_type | Rule::ref_word => TYPE,
        Rule::record_type | Rule::map_type | Rule::enum_type | Rule::enum_word => TYPE,
        Rule::record_field => "a field name",
        Rule::expr | Rule::condition_value | Rule::prefix | Rule::name | Rule::subject | Rule::paren => VALUE,
        Rule::list | Rule::list_for | Rule::map | Rule::map_for | Rule::if_expr | Rule::quantified => VALUE,
        Rule::quantifier | Rule::dollar | Rule::number | Rule::date | Rule::time | Rule::cidr => VALUE,
        Rule::infix | Rule::value_infix => OPERATOR,
        Rule::plain_string | Rule::full_string | Rule::block_string => STRING,
        Rule::text | Rule::block_text | Rule::escape | Rule::block_escape | Rule::interpolation => "`\"`",
        Rule::regex => "a regular expression such as `/[a-z]+/`",
        Rule::eq | Rule::eq_key => "`=`",
        Rule::arrow => "`=>`",
        Rule::comma => COMMA,
        Rule::kw_as => "`as`",
        Rule::kw_matching => "`matching`",
        Rule::kw_check => "`check`",
        Rule::kw_using => "`using`",
        Rule::kw_for => "`for`",
        Rule::kw_in => "`in`",
        Rule::kw_if => "`if`",
        Rule::kw_then => "`then`",
        Rule::kw_else | Rule::else_if => "`else`",
        Rule::kw_present => "`present`",
        Rule::kw_absent => "`absent`",
        Rule::member | Rule::index | Rule::call | Rule::optional | Rule::extra_label | Rule::missing_comma => {
            return None;
        }
        Rule::EOI | Rule::WHITESPACE => return None,
        Rule::label | Rule::item | Rule::step | Rule::base_type | Rule::operand | Rule::atom | Rule::entry => {
            return None;
        }
        Rule::separator
        | Rule::key
        | Rule::not_word
        | Rule::string
        | Rule::literal
        | Rule::shaped
        | Rule::reserved
        | Rule::decl_word
        | Rule::word_end => {
            return None;
        }
        Rule::cidr4 | Rule::cidr6 | Rule::hex | Rule::prefix_bits | Rule::regex_char => return None,
        Rule::tokens | Rule::token_space | Rule::token_doc | Rule::token_comment | Rule::token_matching => {
            return None;
        }
        Rule::token_regex | Rule::token_foreign_comment | Rule::token_string | Rule::token_open_block => return None,
        Rule::token_open_string | Rule::token_foreign_string | Rule::token_number | Rule::token_word => return None,
        Rule::token_symbol | Rule::token_unknown => return None,
        Rule::lexed_string | Rule::lexed_block | Rule::lexed_inner | Rule::lexed_line => return None,
        Rule::lexed_line_block | Rule::lexed_line_inner => return None,
    })
}
