package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// prefixHierarchy reads HIERARCHY (NodeID, ParentID, NodeName [, ParentName
// [, PathSource [, PathName [, PathDelimiter [, Depth]]]]]).
func prefixHierarchy(sc *scanner, l *load, _ string) error {
	args, err := hierarchyArgs(sc, 3, 8)
	if err != nil {
		return err
	}
	h := &hierarchy{
		node: args[0], parent: args[1], name: args[2],
		parentName: args[3], pathSource: args[4], path: args[5], delimiter: args[6], depth: args[7],
	}
	if h.delimiter == "" {
		h.delimiter = "/"
	}
	l.prefix.transforms = append(l.prefix.transforms, h)
	return nil
}

// prefixBelongsTo reads HIERARCHYBELONGSTO (NodeID, ParentID, NodeName,
// AncestorID, AncestorName [, DepthDiff]).
func prefixBelongsTo(sc *scanner, l *load, _ string) error {
	args, err := hierarchyArgs(sc, 5, 6)
	if err != nil {
		return err
	}
	l.prefix.transforms = append(l.prefix.transforms, &belongsTo{
		node: args[0], parent: args[1], name: args[2], ancestor: args[3], ancestorName: args[4], diff: args[5],
	})
	return nil
}

// hierarchyArgs reads names in brackets; absent ones are empty.
func hierarchyArgs(sc *scanner, least, most int) ([]string, error) {
	if err := sc.expect('('); err != nil {
		return nil, err
	}
	args, err := list(sc, func() (string, error) {
		if c := sc.ahead(); c == ',' || c == ')' {
			return "", nil
		}
		return sc.name("a field")
	})
	if err != nil {
		return nil, err
	}
	if len(args) < least || len(args) > most {
		return nil, syntaxf(sc.pos, "%d fields in brackets, want %d to %d", len(args), least, most)
	}
	for len(args) < most {
		args = append(args, "")
	}
	return args, sc.expect(')')
}

// A tree is an adjacent-nodes table with its parents found.
type tree struct {
	table   *storage.Table
	parents []int // row of the parent; -1 for a root, -2 for an orphan
	name    *storage.Column
	path    *storage.Column // PathSource
}

// depthMax bounds the depth of a tree: its levels become fields.
const depthMax = 1000

// newTree reads a table and links every node to its parent. A parent that is
// NULL, empty or 0 without such a node makes a root.
func newTree(r *runner, in reader, node, parent, name string) (*tree, error) {
	t, err := source.ReadAll(r.ctx, storage.NewCatalog(r.show), "", in)
	if err != nil {
		return nil, err
	}
	tr := &tree{table: t, parents: make([]int, t.Rows), name: t.Column(name)}
	ids, parents := t.Column(node), t.Column(parent)
	if ids == nil || parents == nil || tr.name == nil {
		return nil, fmt.Errorf("HIERARCHY: fields %s, %s and %s are needed", node, parent, name)
	}
	tr.path = tr.name
	rows := map[key]int{}
	for i := range t.Rows {
		id := ids.Field.Value(ids.Code(i))
		if _, ok := rows[keyOf(id)]; !ok && !id.IsNull() {
			rows[keyOf(id)] = i
		}
	}
	for i := range t.Rows {
		v := parents.Field.Value(parents.Code(i))
		row, ok := rows[keyOf(v)]
		switch {
		case ok && !v.IsNull() && row != i:
			tr.parents[i] = row
		case v.IsNull() || row == i && ok || r.show(v) == "":
			tr.parents[i] = -1
		default:
			tr.parents[i] = -2
		}
	}
	return tr, nil
}

// lineage returns the rows from the root down to row; nil if there is no root
// above it (an orphan or a cycle).
func (t *tree) lineage(row int) []int {
	var up []int
	for ; row >= 0; row = t.parents[row] {
		if len(up) >= depthMax {
			return nil
		}
		up = append(up, row)
	}
	if row == -2 {
		return nil
	}
	for i, j := 0, len(up)-1; i < j; i, j = i+1, j-1 {
		up[i], up[j] = up[j], up[i]
	}
	return up
}

func (t *tree) value(c *storage.Column, row int) dual.Value { return c.Field.Value(c.Code(row)) }

// A hierarchy expands every node to the names on its way from the root.
type hierarchy struct {
	node, parent, name                  string
	parentName, pathSource, path, depth string
	delimiter                           string
}

func (h *hierarchy) apply(r *runner, in reader) (reader, error) {
	t, err := newTree(r, in, h.node, h.parent, h.name)
	if err != nil {
		return nil, err
	}
	if h.pathSource != "" {
		if t.path = t.table.Column(h.pathSource); t.path == nil {
			return nil, fmt.Errorf("HIERARCHY: field %s not found", h.pathSource)
		}
	}
	var lines [][]int
	deepest := 0
	for row := range t.table.Rows {
		if line := t.lineage(row); line != nil {
			lines = append(lines, line)
			deepest = max(deepest, len(line))
		}
	}
	rows := make([]uint32, len(lines))
	for i, line := range lines {
		rows[i] = uint32(line[len(line)-1])
	}
	out := &valuesReader{names: t.table.FieldNames()}
	base := t.table.Select(rows)
	for _, c := range base.Columns {
		out.add("", tableColumn(c))
	}
	h.levels(t, lines, deepest, out)
	return out, h.extras(r, t, lines, out)
}

// levels adds the fields NodeName1 ... NodeNameN.
func (h *hierarchy) levels(t *tree, lines [][]int, deepest int, out *valuesReader) {
	for level := range deepest {
		col := make([]dual.Value, len(lines))
		for i, line := range lines {
			if level < len(line) {
				col[i] = t.value(t.name, line[level])
			}
		}
		out.add(fmt.Sprintf("%s%d", h.name, level+1), dual.Vals(col))
	}
}

// extras adds parent name, path and depth where they are asked for.
func (h *hierarchy) extras(r *runner, t *tree, lines [][]int, out *valuesReader) error {
	parents, paths, depths := make([]dual.Value, len(lines)), make([]dual.Value, len(lines)), make([]dual.Value, len(lines))
	for i, line := range lines {
		parts := make([]string, len(line))
		for j, row := range line {
			parts[j] = r.show(t.value(t.path, row))
		}
		paths[i] = dual.String(strings.Join(parts, h.delimiter))
		depths[i] = integer(len(line))
		if len(line) > 1 {
			parents[i] = t.value(t.name, line[len(line)-2])
		}
	}
	if h.parentName != "" {
		out.add(h.parentName, dual.Vals(parents))
	}
	if h.path != "" {
		out.add(h.path, dual.Vals(paths))
	}
	if h.depth != "" {
		out.add(h.depth, dual.Vals(depths))
	}
	return out.check()
}

// A belongsTo lists every pair of a node and an ancestor, the node included.
type belongsTo struct {
	node, parent, name, ancestor, ancestorName, diff string
}

func (b *belongsTo) apply(r *runner, in reader) (reader, error) {
	t, err := newTree(r, in, b.node, b.parent, b.name)
	if err != nil {
		return nil, err
	}
	id := t.table.Column(b.node)
	var nodes, names, ancestors, ancestorNames, diffs []dual.Value
	for row := range t.table.Rows {
		line := t.lineage(row)
		for i := len(line) - 1; i >= 0; i-- {
			nodes = append(nodes, t.value(id, row))
			names = append(names, t.value(t.name, row))
			ancestors = append(ancestors, t.value(id, line[i]))
			ancestorNames = append(ancestorNames, t.value(t.name, line[i]))
			diffs = append(diffs, integer(len(line)-1-i))
		}
		if len(nodes) > r.limits.MaxRows {
			return nil, errors.New("HIERARCHYBELONGSTO makes too many rows")
		}
	}
	out := &valuesReader{}
	out.add(b.node, dual.Vals(nodes))
	out.add(b.name, dual.Vals(names))
	out.add(b.ancestor, dual.Vals(ancestors))
	out.add(b.ancestorName, dual.Vals(ancestorNames))
	if b.diff != "" {
		out.add(b.diff, dual.Vals(diffs))
	}
	return out, out.check()
}

// tableColumn returns a column as a vector.
func tableColumn(c *storage.Column) dual.Vector {
	codes := make([]uint32, c.Rows())
	c.Codes(codes, 0)
	return dual.Coded(codes, c.Field.Dict())
}

// A valuesReader delivers columns that were computed as a whole.
type valuesReader struct {
	names   []string
	columns []dual.Vector
	row     int
}

// add adds a column; without a name it is that of a name that is there
// already.
func (v *valuesReader) add(name string, col dual.Vector) {
	if name != "" {
		v.names = append(v.names, name)
	}
	v.columns = append(v.columns, col)
}

// check looks for names that are there twice.
func (v *valuesReader) check() error {
	seen := map[string]bool{}
	for _, n := range v.names {
		if seen[n] {
			return fmt.Errorf("field %q is there twice", n)
		}
		seen[n] = true
	}
	return nil
}

// Fields implements [source.Reader].
func (v *valuesReader) Fields() []string { return v.names }

// Next implements [source.Reader].
func (v *valuesReader) Next(ctx context.Context) (*source.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := min(batchRows, v.columns[0].N-v.row)
	if n <= 0 {
		return nil, io.EOF
	}
	b := &source.Batch{Rows: n, Columns: sliceAll(v.columns, v.row, v.row+n)}
	v.row += n
	return b, nil
}

// Close implements [source.Reader].
func (v *valuesReader) Close() error { return nil }
