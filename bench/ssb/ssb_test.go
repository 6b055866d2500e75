package ssb

import (
	"bytes"
	"encoding/csv"
	"hash/fnv"
	"strconv"
	"testing"
)

// TestStable: the data of a seed never change, whatever they are made by.
func TestStable(t *testing.T) {
	h := fnv.New64a()
	for _, table := range (Config{ScaleFactor: 0.001, Seed: 1}).Tables() {
		var all bytes.Buffer
		if err := table.WriteCSV(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		var pieces []byte
		for unit := range table.Units {
			pieces = table.Append(pieces, unit, unit+1)
		}
		if _, rows, _ := bytes.Cut(all.Bytes(), []byte("\n")); !bytes.Equal(rows, pieces) {
			t.Errorf("%s: made by pieces it differs", table.Name)
		}
		h.Write(all.Bytes())
	}
	if got := h.Sum64(); got != stableHash {
		t.Errorf("hash %#x, want %#x: figures of earlier runs are no longer comparable", got, uint64(stableHash))
	}
}

const stableHash = 0xf63ba138dc8627cf

// TestRules checks the rules of the schema: numbers of rows, keys, prices.
func TestRules(t *testing.T) {
	tables := map[string][][]string{}
	for _, table := range (Config{ScaleFactor: 0.01, Seed: 1}).Tables() {
		var all bytes.Buffer
		if err := table.WriteCSV(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&all).ReadAll() // checks the number of cells too
		if err != nil {
			t.Fatal(err)
		}
		tables[table.Name] = rows[1:]
	}
	for name, want := range map[string]int{"date": 2557, "customer": 300, "supplier": 20, "part": 2000} {
		if got := len(tables[name]); got != want {
			t.Errorf("%s: %d rows, want %d", name, got, want)
		}
	}
	if n := len(tables["lineorder"]); n < 58000 || n > 62000 {
		t.Errorf("lineorder: %d rows, want about 60000", n)
	}
	keys := map[string]map[string]bool{}
	for name, rows := range tables {
		keys[name] = map[string]bool{}
		for _, r := range rows {
			keys[name][r[0]] = true
		}
	}
	for i, r := range tables["lineorder"] {
		for column, table := range map[int]string{2: "customer", 3: "part", 4: "supplier", 5: "date", 15: "date"} {
			if !keys[table][r[column]] {
				t.Fatalf("row %d: %s %s does not exist", i, table, r[column])
			}
		}
		price, _ := strconv.Atoi(r[9])
		discount, _ := strconv.Atoi(r[11])
		if revenue, _ := strconv.Atoi(r[12]); revenue != price*(100-discount)/100 {
			t.Fatalf("row %d: revenue %d of price %d less %d %%", i, revenue, price, discount)
		}
	}
}
