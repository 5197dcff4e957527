//! What is said of the word under the pointer.

use crate::client::Client;

const PROGRAM: &str = "edition \"2026\"
import \"std/regions.cell\" as regions
## Where cells may be.
let places: [AwsRegion] = [\"us-west-2\", \"us-east-1\"]
## The longer name.
fn long(name: String, of: String): String = \"\\(name)-\\(of)\"
org acme { accounts { email = \"aws+\\(.name)@acme.example\", ou = ou.work } }
## All work.
ou work {}
group crew {}
defaults usual for cell { size = \"small\", owner = group.crew }
for place in places {
  cell \"\\(long(\"c\", regions.short(place)))\" using usual {
    kind = \"staging\"
    region = place
  }
}
cell one using usual {
  kind = \"staging\"
  region = \"us-west-2\"
  override size = \"large\"
}
let small = count(cells where .size == \"small\")
alarm slow { namespace = \"api\", metric = \"Latency\", above = 1%, over = 5m }
rollout all {
  alarms = [alarm.slow]
  wave first { on = cells, bake = 1h }
}
test \"all go first\" { expect wave_of(cell.one, rollout.all) == \"first\" }
";

#[test]
fn every_sort_of_word_is_told() {
    let mut client = Client::of(PROGRAM);
    assert_eq!(client.codes("main.cell"), [""; 0], "the program is sound: {:?}", client.findings);
    let mut says = |word: &str, number: usize, parts: &[&str]| {
        let text = client.hover("main.cell", word, number);
        for part in parts {
            assert!(text.contains(part), "the hover of `{word}` ({number}) lacks `{part}`:\n{text}");
        }
    };
    says("places", 0, &["let places: [AwsRegion]", "Where cells may be.", "declared in main.cell:4"]);
    says("places", 1, &["let places: [AwsRegion]"]);
    says("place in", 0, &["for place: AwsRegion"]);
    says("place\n", 0, &["for place: AwsRegion"]);
    says("long(", 1, &["fn long(name: String, of: String): String", "The longer name."]);
    says("short(", 0, &["fn short(", "declared in std/regions.cell"]);
    says("regions.short", 0, &["import regions"]);
    says("regions.cell", 0, &["\"std/regions.cell\""]);
    says("work {}", 0, &["ou work", "All work.", "`ou.work`", "layer foundation"]);
    says("work }", 0, &["ou work", "All work."]);
    says("usual {", 0, &["defaults usual for cell"]);
    says("cell one", 0, &["a kind of layer cells", "needs `kind`, `region`"]);
    says("cells where", 0, &["cells: Set<cell>"]);
    says("count(", 0, &["count(collection): Int", "how many elements", "a function of the language"]);
    says("wave_of", 0, &["wave_of(cell: Ref<cell>, rollout: Ref<rollout>): String?", "that only a test asks"]);
    says("AwsRegion", 0, &["AwsRegion"]);
    says("size ==", 0, &["size: String", "a field of `cell`", "`\"small\"` unless set"]);
    says("crew }", 0, &["group crew"]);
    says("\\(long", 0, &["cell", "2 entities: `cell.c-"]);
    client.end();
}

#[test]
fn a_field_tells_its_value_and_where_that_came_from() {
    let mut client = Client::of(PROGRAM);
    let own = client.hover("main.cell", "size = \"large\"", 0);
    assert!(own.contains("cell.one.size = \"large\""), "{own}");
    assert!(own.contains("override"), "{own}");
    let defaults = client.hover("main.cell", "size = \"small\"", 0);
    assert!(defaults.contains(".size = \"small\"") && defaults.contains("from defaults `usual`"), "{defaults}");
    let looped = client.hover("main.cell", "region = place", 0);
    assert!(looped.contains(".region = \"us-west-2\"") && looped.contains(".region = \"us-east-1\""), "{looped}");
    assert!(looped.contains("place"), "the loop's name: {looped}");
    client.end();
}

#[test]
fn a_program_with_errors_tells_types_still() {
    let mut client = Client::of(PROGRAM);
    client.replace("main.cell", "group crew {}", "group crew {");
    let text = client.hover("main.cell", "places", 1);
    assert!(text.contains("let places: [AwsRegion]"), "{text}");
    client.end();
}

#[test]
fn what_is_found_is_told_with_the_first_words_of_its_page() {
    let mut client = Client::of(PROGRAM);
    client.replace("main.cell", "  override size = \"large\"", "  size = \"large\"");
    assert_eq!(client.codes("main.cell"), ["E0312"]);
    let text = client.hover("main.cell", "size = \"large\"", 0);
    assert!(text.contains("a field of `cell`"), "the word itself: {text}");
    assert!(text.contains("---\n\n**E0312: a field that defaults already set**\n\n"), "{text}");
    assert!(text.contains("\n\nThe entity sets a field that the defaults it uses already set."), "{text}");
    assert!(!text.contains("```cell failing"), "the first paragraph alone: {text}");
    // Of a rule across entities, which is found when the program is expanded.
    client.replace("main.cell", "  size = \"large\"", "");
    client.replace("main.cell", "  kind = \"staging\"\n  region = \"us", "  kind = \"dev\"\n  region = \"us");
    assert!(client.codes("main.cell").contains(&"E0412".to_owned()));
    let text = client.hover("main.cell", "one using", 0);
    assert!(text.contains("`cell.one`") && text.contains("**E0412: "), "{text}");
    client.end();
}

#[test]
fn a_finding_where_no_word_is_told_by_itself() {
    let mut client = Client::of("let a = [1 2]\n");
    assert_eq!(client.codes("main.cell"), ["E0105"]);
    let range = client.found("main.cell")[0].range;
    let params =
        serde_json::json!({ "textDocument": { "uri": crate::client::uri("main.cell") }, "position": range.start });
    let answer = client.ask("textDocument/hover", &params).unwrap();
    let text = answer["contents"]["value"].as_str().unwrap();
    assert!(text.starts_with("**E0105: "), "{text}");
    assert_eq!(answer["range"], serde_json::to_value(range).unwrap());
    client.replace("main.cell", "1 2", "1, 2");
    assert_eq!(client.codes("main.cell"), [""; 0]);
    assert_eq!(
        client.ask("textDocument/hover", &params).unwrap(),
        serde_json::Value::Null,
        "what is mended is not told"
    );
    client.end();
}
