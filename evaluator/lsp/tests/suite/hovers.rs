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
