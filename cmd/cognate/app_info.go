package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/storage/crypt"
)

// appInfoCmd shows what an app holds.
type appInfoCmd struct {
	appFile
	JSON bool `help:"As JSON: script, tables, objects, variables, properties and more." name:"json"`
}

// Help is shown with the flags.
func (c *appInfoCmd) Help() string {
	return `Works for apps of the original product and ours. Tables are as they lie in the
file: with those of synthetic keys. What is sealed needs --keys; the rest is
shown without.`
}

// appInfo is what the file holds.
type appInfo struct {
	File       string          `json:"file"`
	Bytes      int64           `json:"bytes"`
	Own        bool            `json:"own"`    // written by this program
	Sealed     bool            `json:"sealed"` // data and bookmarks need a key
	Script     string          `json:"script"`
	Tables     []appTable      `json:"tables"`
	Objects    []appObject     `json:"objects"`
	Variables  []appVariable   `json:"variables"`
	Properties json.RawMessage `json:"properties"`
	Media      []appMedia      `json:"media"`
	Problems   []string        `json:"problems"`

	qlikView int // problems that are objects of a QlikView document
}

type appTable struct {
	Name   string     `json:"name"`
	Rows   int        `json:"rows"`
	Fields []appField `json:"fields"`
}

type appField struct {
	Name     string `json:"name"`
	Distinct int    `json:"distinct"`
	Nulls    int    `json:"nulls"`
}

type appObject struct {
	ID       string      `json:"id"`
	Type     string      `json:"type"`
	Title    *string     `json:"title"` // null: none at all
	Children []appObject `json:"children,omitempty"`
}

type appVariable struct {
	Name       string  `json:"name"`
	Definition *string `json:"definition"`
	Script     bool    `json:"script"` // made by the script
	Comment    string  `json:"comment,omitempty"`
}

type appMedia struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Bytes int    `json:"bytes"`
}

// Run prints what the file holds.
func (c *appInfoCmd) Run(log *slog.Logger) error {
	f, err := c.openFile(log)
	if err != nil {
		return err
	}
	info, err := c.info(f)
	if err != nil {
		return c.hint(err)
	}
	if c.JSON {
		e := json.NewEncoder(os.Stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(info)
	}
	return info.print(os.Stdout)
}

func (c *appInfoCmd) info(f *qvf.File) (*appInfo, error) {
	a, err := f.App()
	if err != nil {
		return nil, err
	}
	i := &appInfo{
		File: filepath.Base(c.File), Bytes: f.Size(), Own: f.Own(), Sealed: f.Sealed(), Script: a.Script, Properties: a.Properties,
		Tables: []appTable{}, Objects: objectsInfo(a.Objects), Variables: []appVariable{}, Media: []appMedia{}, Problems: []string{},
	}
	for _, v := range a.Variables {
		x := appVariable{Name: v.Name, Script: v.Script, Comment: v.Comment}
		if v.HasDefinition {
			x.Definition = &v.Definition
		}
		i.Variables = append(i.Variables, x)
	}
	for _, m := range a.Media {
		i.Media = append(i.Media, appMedia{strings.TrimPrefix(m.Stream, "/media/"), m.Type, len(m.Content)})
	}
	views, problems, err := f.Views(number.Default().Text)
	if errors.Is(err, crypt.ErrNoKey) {
		problems = append(problems, qvf.Problem{Stream: "data", Err: c.hint(err)})
	} else if err != nil {
		return nil, err
	}
	for _, p := range append(a.Problems, problems...) {
		i.Problems = append(i.Problems, p.Error())
		if errors.Is(p, qvf.ErrQlikView) {
			i.qlikView++
		}
	}
	for k := range views {
		t, err := tableOf(&views[k])
		if err != nil {
			i.Problems = append(i.Problems, err.Error())
			continue
		}
		i.Tables = append(i.Tables, t)
	}
	return i, nil
}

func objectsInfo(objects []qvf.Object) []appObject {
	out := make([]appObject, len(objects))
	for i, o := range objects {
		out[i] = appObject{ID: o.ID, Type: o.Type}
		if o.HasTitle {
			out[i].Title = &o.Title
		}
		if len(o.Children) > 0 {
			out[i].Children = objectsInfo(o.Children)
		}
	}
	return out
}

func tableOf(v *qvf.View) (appTable, error) {
	t := appTable{v.Name, v.Rows, make([]appField, len(v.Fields))}
	for i, name := range v.Fields {
		col, err := v.Column(i)
		if err != nil {
			return t, err
		}
		t.Fields[i].Name = name
		t.Fields[i].Distinct, t.Fields[i].Nulls = col.Count()
	}
	return t, nil
}

// print writes the overview for people.
func (i *appInfo) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var p struct{ QTitle, QLastReloadTime, QSavedInProductVersion string }
	if i.Properties != nil {
		_ = json.Unmarshal(i.Properties, &p) // what is not there is not shown
	}
	kind := "an app of the original product"
	switch {
	case i.Sealed:
		kind = "ours; data and bookmarks are sealed"
	case i.Own:
		kind = "ours"
	}
	fmt.Fprintf(w, "file\t%s, %s, %s\n", i.File, bytesText(i.Bytes), kind)
	fmt.Fprintf(w, "title\t%s\n", p.QTitle)
	if p.QLastReloadTime != "" {
		fmt.Fprintf(w, "last reload\t%s\n", p.QLastReloadTime)
	}
	fmt.Fprintf(w, "script\t%d lines\n", strings.Count(i.Script, "\n")+min(len(i.Script), 1))
	fmt.Fprintf(w, "variables\t%d\n", len(i.Variables))
	fmt.Fprintf(w, "media\t%d\n", len(i.Media))
	counts := map[string]int{}
	for _, o := range i.Objects {
		counts[o.Type]++
	}
	fmt.Fprintf(w, "objects\t%s\n", countsText(counts))
	for _, t := range i.Tables {
		fmt.Fprintf(w, "\ntable\t%s\t%d rows\n", t.Name, t.Rows)
		for _, f := range t.Fields {
			nulls := ""
			if f.Nulls > 0 {
				nulls = fmt.Sprintf("%d NULL", f.Nulls)
			}
			fmt.Fprintf(w, "\t%s\t%d values\t%s\n", f.Name, f.Distinct, nulls)
		}
	}
	if i.qlikView > 0 {
		fmt.Fprintf(w, "\nThis is a QlikView document: %d charts, boxes and the like cannot be read; the data can.\n", i.qlikView)
	} else {
		printProblems(w, i.Problems)
	}
	return w.Flush()
}

// printProblems lists the first problems.
func printProblems(w io.Writer, problems []string) {
	const shown = 10
	for k, p := range problems {
		if k == 0 {
			fmt.Fprintf(w, "\nnot readable\n")
		}
		if k == shown {
			fmt.Fprintf(w, "  ... and %d more (--json lists all)\n", len(problems)-shown)
			return
		}
		fmt.Fprintf(w, "  %s\n", p)
	}
}

func countsText(counts map[string]int) string {
	var parts []string
	for kind, n := range counts {
		parts = append(parts, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// bytesText returns a size for people.
func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
