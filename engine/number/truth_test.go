package number

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// truthFile is the part of a script-truth case that tells how texts were read.
type truthFile struct {
	Script []string
	Fields map[string]struct {
		Symbols []truthCell `json:"symbols_in_load_order"`
	}
	Tables map[string]struct {
		Fields []string
		Data   [][]*truthCell
	}
}

type truthCell struct {
	T *string
	N *float64
}

// made are fields that the scripts compute: duals whose text is not the source
// of their number.
var made = map[string]bool{"class": true, "Canonical Month": true}

// TestInterpretAgreesWithTheProduct reads the texts that real scripts loaded
// and compares with the numbers the original engine gave them.
func TestInterpretAgreesWithTheProduct(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/script-truth/s*.json")
	if len(files) == 0 {
		t.Skip("no script-truth cases in ../../../shared/data")
	}
	set := regexp.MustCompile(`(?i)^SET (\w+)='(.*)';$`)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f truthFile
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		l := Default()
		for _, line := range f.Script {
			if m := set.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				l, _ = l.With(m[1], strings.ReplaceAll(m[2], "''", "'"))
			}
		}
		seen := 0
		check := func(field string, c *truthCell) {
			if c == nil || c.T == nil || made[field] {
				return
			}
			seen++
			got := l.Interpret(*c.T)
			if got.HasNum() != (c.N != nil) || c.N != nil && got.Num != *c.N {
				t.Errorf("%s: %s: %q read as %v, %v", filepath.Base(file), field, *c.T, got.HasNum(), got.Num)
			}
		}
		for name, field := range f.Fields {
			for _, c := range field.Symbols {
				check(name, &c)
			}
		}
		for _, table := range f.Tables {
			for _, row := range table.Data {
				for i, c := range row {
					check(table.Fields[i], c)
				}
			}
		}
		t.Logf("%s: %d texts", filepath.Base(file), seen)
	}
}
