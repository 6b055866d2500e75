package api

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

var update = flag.Bool("update", false, "write docs/qrs.md anew")

const docsFile = "../../../docs/qrs.md"

// TestDocs holds docs/qrs.md, the list of what the interface has here, against
// the server.
func TestDocs(t *testing.T) {
	s := newSite(t, storetest.Open(t, storetest.Config(t, store.SQLite)))
	text := describe(New(Options{Repository: s.repo}))
	if *update {
		if err := os.WriteFile(docsFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("docs/qrs.md is not what the server has: go test ./services/repository/api -run TestDocs -update")
	}
}

// describe writes the operations of the interface, those that are there and
// those that are not, by the first part of their path.
func describe(s *Server) string {
	there := map[string]bool{}
	for _, o := range s.Operations() {
		method, path, _ := strings.Cut(o, " ")
		there[method+" "+general(strings.TrimPrefix(path, Prefix))] = true
	}
	var done, missing []string
	for _, o := range s.schema.AllOperations() {
		method, path, _ := strings.Cut(o, " ")
		key := method + " " + general(path)
		if there[key] {
			done = append(done, o)
		} else {
			missing = append(missing, o)
		}
		delete(there, key)
	}
	var ours []string
	for o := range there {
		ours = append(ours, o)
	}
	slices.Sort(ours)
	var b strings.Builder
	fmt.Fprintf(&b, "# The repository's REST interface\n\nWritten by a test (`go test ./services/repository/api -run TestDocs -update`). Of the %d operations of the\n"+
		"interface description 38.22.0, selections left out, %d are there; the others answer 501 with their name.\n", len(done)+len(missing), len(done))
	list(&b, "There", done)
	list(&b, "Beside the description", ours)
	list(&b, "Not there", missing)
	return b.String()
}

// general returns a path whose parameters have no names.
func general(path string) string {
	parts := strings.Split(strings.ToLower(path), "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

// list writes a table: a row per first part of the path.
func list(b *strings.Builder, title string, operations []string) {
	fmt.Fprintf(b, "\n## %s\n\n| | |\n|---|---|\n", title)
	rows := map[string][]string{}
	var order []string
	for _, o := range operations {
		method, path, _ := strings.Cut(o, " ")
		first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if rows[first] == nil {
			order = append(order, first)
		}
		rows[first] = append(rows[first], strings.TrimSpace(method+" "+strings.TrimSuffix("/"+rest, "/")))
	}
	slices.Sort(order)
	for _, first := range order {
		fmt.Fprintf(b, "| %s | %s |\n", first, strings.ReplaceAll(strings.Join(rows[first], ", "), "|", `\|`))
	}
}
