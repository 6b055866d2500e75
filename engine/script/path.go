package script

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage/dual"
)

// resolve returns the file that a path of the script means. It lies inside a
// data connection's folder or the base folder, whatever the path says.
func (r *runner) resolve(path string) (string, error) {
	slashed := strings.ReplaceAll(path, `\`, "/")
	root, rest := r.dir, slashed
	if after, ok := cutFold(slashed, "lib://"); ok {
		name, below, _ := strings.Cut(after, "/")
		folder, known := r.folder(name)
		if !known {
			return "", fmt.Errorf("data connection %q not found", name)
		}
		root, rest = folder, below
	} else if strings.Contains(slashed, "://") {
		return "", fmt.Errorf("%q: web files are not supported", path)
	}
	if filepath.IsAbs(rest) {
		return r.absolute(path, rest)
	}
	if root == "" {
		return "", fmt.Errorf("%q: relative paths need a folder; write lib://connection/path", path)
	}
	rest = filepath.FromSlash(rest)
	if rest == "" {
		rest = "."
	}
	full := filepath.Join(root, rest)
	if !within(root, full) {
		return "", fmt.Errorf("%q leads out of its folder", path)
	}
	return full, nil
}

// absolute accepts an absolute path inside an allowed folder.
func (r *runner) absolute(path, clean string) (string, error) {
	clean = filepath.Clean(clean)
	for _, root := range r.roots() {
		if within(root, clean) {
			return clean, nil
		}
	}
	return "", fmt.Errorf("%q is in no folder that scripts may use", path)
}

func (r *runner) roots() []string {
	roots := []string{r.opt.BaseDir}
	for _, folder := range r.opt.Folders {
		roots = append(roots, folder)
	}
	return slices.DeleteFunc(roots, func(root string) bool { return root == "" })
}

// folder finds a data connection, its name in any case.
func (r *runner) folder(name string) (string, bool) {
	if f, ok := r.opt.Folders[name]; ok {
		return f, true
	}
	for n, f := range r.opt.Folders {
		if strings.EqualFold(n, name) {
			return f, true
		}
	}
	return "", false
}

// within reports whether path is root or below it, also when links are
// followed as far as the path exists.
func within(root, path string) bool {
	inside := func(root, path string) bool {
		rel, err := filepath.Rel(root, path)
		return err == nil && filepath.IsLocal(rel)
	}
	if !inside(root, path) {
		return false
	}
	realRoot, err := filepath.EvalSymlinks(root)
	if err != nil {
		return true // nothing is there to be followed
	}
	for p := path; inside(root, p); p = filepath.Dir(p) {
		if realPath, err := filepath.EvalSymlinks(p); err == nil {
			return inside(realRoot, realPath)
		}
	}
	return true
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// fileList returns the files, or the folders, that match a mask, as paths of
// the script's kind.
func (r *runner) fileList(mask string, dirs bool) ([]dual.Value, error) {
	full, err := r.resolve(mask)
	if err != nil {
		return nil, err
	}
	names, err := source.Glob(full)
	if dirs {
		names, err = filepath.Glob(full)
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	shown := strings.ReplaceAll(mask, `\`, "/")
	dir := ""
	if i := strings.LastIndexByte(shown, '/'); i >= 0 {
		dir = shown[:i+1]
	}
	var out []dual.Value
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || info.IsDir() != dirs {
			continue
		}
		out = append(out, dual.String(dir+filepath.Base(name)))
	}
	return out, nil
}

// fileInfo tells the file functions which file is being read.
type fileInfo struct{ shown, full string }

// bindFile binds FileName() and the like, of the file being read or of the
// one named.
func bindFile(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if err := arity(c, 0, 1); err != nil {
		return eval.Binding{}, false, err
	}
	file, name := e.r.file, strings.ToLower(c.Name)
	e.looks()
	return eval.Binding{Func: &fn.Func{Name: c.Name, Volatile: true, Eval: func(x *fn.Context, args []dual.Value) dual.Value {
		f := file
		if len(args) > 0 {
			shown := x.Locale.Text(args[0])
			full, err := e.r.resolve(shown)
			if err != nil {
				return dual.Value{}
			}
			f = fileInfo{shown, full}
		}
		return f.property(x, name)
	}}}, true, nil
}

// property returns what a file function says of a file; NULL if there is none.
func (f fileInfo) property(x *fn.Context, name string) dual.Value {
	if f.full == "" {
		return dual.Value{}
	}
	base := filepath.Base(f.full)
	ext := filepath.Ext(base)
	switch name {
	case "filename":
		return dual.String(base)
	case "filebasename":
		return dual.String(strings.TrimSuffix(base, ext))
	case "fileextension":
		return dual.String(strings.TrimPrefix(ext, "."))
	case "filepath":
		return dual.String(f.shown)
	case "filedir":
		i := strings.LastIndexAny(f.shown, `/\`)
		return dual.String(f.shown[:max(i, 0)])
	}
	info, err := os.Stat(f.full)
	if err != nil {
		return dual.Value{}
	}
	if name == "filesize" {
		return integer(int(info.Size()))
	}
	return timestamp(x, info.ModTime())
}

// timestamp returns a time in UTC as a value.
func timestamp(x *fn.Context, t time.Time) dual.Value {
	const dayMillis = 24 * 60 * 60 * 1000
	const epoch = 25569 // serial number of 1970-01-01
	serial := float64(t.UTC().UnixMilli())/dayMillis + epoch
	return dual.Formatted(serial, x.Locale.Format(dual.Timestamp, x.Locale.TimestampFormat, "", ""))
}

// bindQVD binds the functions that look into the header of a QVD file.
func bindQVD(e *env, c *expr.Call) (eval.Binding, bool, error) {
	if err := arity(c, 1, 2); err != nil {
		return eval.Binding{}, false, err
	}
	e.looks()
	name := strings.ToLower(c.Name)
	return eval.Binding{Func: &fn.Func{Name: c.Name, Volatile: true, Eval: func(x *fn.Context, args []dual.Value) dual.Value {
		full, err := e.r.resolve(x.Locale.Text(args[0]))
		if err != nil {
			return dual.Value{}
		}
		f, err := e.r.openQVD(full)
		if err != nil {
			return dual.Value{}
		}
		defer func() { _ = f.Close() }() // only the header was read
		h := f.Header()
		switch name {
		case "qvdcreatetime":
			return created(x, h)
		case "qvdnooffields":
			return integer(len(h.Fields))
		case "qvdnoofrecords":
			return integer(int(h.Rows))
		case "qvdtablename":
			return dual.String(h.TableName)
		}
		if len(args) < 2 {
			return dual.Value{}
		}
		if n, ok := index(x, args, 1); ok && n >= 1 && n <= len(h.Fields) {
			return dual.String(h.Fields[n-1].Name)
		}
		return dual.Value{}
	}}}, true, nil
}

// created returns the creation time of a QVD file, NULL if it has none.
func created(x *fn.Context, h *qvd.Header) dual.Value {
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, h.CreateUTCTime); err == nil {
			return timestamp(x, t)
		}
	}
	return dual.Value{}
}

// bindConnectString binds ConnectString().
func bindConnectString(e *env, _ *expr.Call) (eval.Binding, bool, error) {
	return constant(dual.String(e.r.connect))
}

// An inclusion is $(Include=file) or $(Must_Include=file). It is a statement
// of its own, even if the semicolon is missing.
type inclusion struct {
	name string
	must bool
	size int // bytes of the text
}

// includeOf recognises an inclusion.
func includeOf(src string) (inclusion, bool) {
	var in inclusion
	body, ok := strings.CutPrefix(strings.TrimLeft(src, " \t\r\n"), "$(")
	if !ok {
		return in, false
	}
	body = strings.TrimLeft(body, " ")
	if rest, found := cutFold(body, "must_include"); found {
		body, in.must = rest, true
	} else if body, found = cutFold(body, "include"); !found {
		return in, false
	}
	end := closingBracket(body)
	if end < 0 {
		return in, false
	}
	in.size = len(src) - len(body) + end + 1
	in.name, ok = strings.CutPrefix(strings.TrimSpace(body[:end]), "=")
	in.name = strings.TrimSpace(in.name)
	if len(in.name) > 1 && closers[in.name[0]] != 0 && quotedEnd(in.name, 0) == len(in.name) {
		in.name = unquote(in.name)
	}
	return in, ok
}

// closingBracket returns the offset of the bracket that closes one opened
// before s, -1 if there is none.
func closingBracket(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return i
			}
		}
	}
	return -1
}

// includeMaxBytes bounds an included script.
const includeMaxBytes = 16 << 20

// include runs a script file in place of the statement. Without must a
// missing file is nothing.
func (r *runner) include(name string, must bool) (flow, error) {
	name, err := r.expand(name)
	if err != nil {
		return onward, err
	}
	src, err := r.readInclude(name)
	if err != nil {
		if must {
			return onward, fmt.Errorf("must_include %s: %w", name, err)
		}
		return onward, nil
	}
	if r.includes++; r.includes > r.limits.MaxIncludes {
		return onward, fmt.Errorf("include files are nested deeper than %d", r.limits.MaxIncludes)
	}
	defer func() { r.includes-- }()
	nodes, err := parseBlocks(&text{src: src, file: name})
	if err != nil {
		return onward, err
	}
	return r.block(nodes)
}

func (r *runner) readInclude(name string) (string, error) {
	full, err := r.resolve(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(full)
	if err != nil {
		return "", fmt.Errorf("file not found")
	}
	if info.Size() > includeMaxBytes || !info.Mode().IsRegular() {
		return "", fmt.Errorf("not a file of at most %d bytes", includeMaxBytes)
	}
	b, err := os.ReadFile(full)
	if err != nil {
		return "", fmt.Errorf("cannot be read")
	}
	return strings.TrimPrefix(string(b), "\ufeff"), nil
}
