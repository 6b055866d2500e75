package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/cognate-bi/cognate/"

// mayImport is the order of the parts of the tree: what each may use of ours.
var mayImport = map[string][]string{
	"simd":     {"simd"},
	"storage":  {"simd", "storage"},
	"qvd":      {"simd", "storage", "qvd"},
	"qvf":      {"simd", "storage", "qvd", "qvf"},
	"engine":   {"simd", "storage", "qvd", "qvf", "engine"},
	"services": {"engine", "qvf", "services"},
	"fuzz":     {"simd", "storage", "qvd", "qvf", "engine", "services", "fuzz"},
	"bench":    {"simd", "storage", "qvd", "qvf", "engine", "services", "bench"},
	"cmd":      {"simd", "storage", "qvd", "qvf", "engine", "services", "bench", "cmd"},
}

// engineOrder lists the packages of the engine, users after what they use.
// Packages that are not named may be used by all.
var engineOrder = []string{
	"turns", "object/tree", "number", "expr", "fn", "eval", "model", "state", "infer", "search", "query", "access", "cube", "object", "app", "session", "qix",
}

// sockets may not be known in the engine.
var sockets = []string{"net/http", "github.com/valyala/fasthttp", "github.com/fasthttp/websocket"}

// sourceImports calls f with every import of every source file that is no
// test.
func sourceImports(t *testing.T, f func(file, imported string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || strings.HasPrefix(d.Name(), "_")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		src, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Logf("%s is not complete: %v", file, err)
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		for _, i := range src.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f(filepath.ToSlash(rel), name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportDirections(t *testing.T) {
	sourceImports(t, func(file, imported string) {
		part, _, _ := strings.Cut(file, "/")
		ours, isOurs := strings.CutPrefix(imported, modulePath)
		if !isOurs {
			if (part == "engine" || part == "storage") && slices.Contains(sockets, imported) {
				t.Errorf("%s imports %s: the engine knows no sockets", file, imported)
			}
			return
		}
		used, _, _ := strings.Cut(ours, "/")
		allowed, known := mayImport[part]
		if !known {
			t.Errorf("%s: the part %q is not in the order of imports", file, part)
		} else if !slices.Contains(allowed, used) {
			t.Errorf("%s imports %s: %s may use %v of ours", file, ours, part, allowed)
		}
	})
}

func TestImportDirectionsOfTheEngine(t *testing.T) {
	rank := func(dir string) int {
		name := strings.TrimPrefix(dir, "engine/")
		if i := slices.Index(engineOrder, name); i >= 0 {
			return i
		}
		return slices.Index(engineOrder, strings.Split(name, "/")[0])
	}
	sourceImports(t, func(file, imported string) {
		ours, isOurs := strings.CutPrefix(imported, modulePath+"engine/")
		if !isOurs || !strings.HasPrefix(file, "engine/") {
			return
		}
		user, used := rank(path.Dir(file)), rank("engine/"+ours)
		if user >= 0 && used >= 0 && used > user {
			t.Errorf("%s imports engine/%s: the order is %v", file, ours, engineOrder)
		}
	})
}
