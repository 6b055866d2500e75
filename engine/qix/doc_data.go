package qix

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/storage/dual"
)

// docData are the methods that read data: expressions, tables, fields.
var docData = map[string]method{
	"Evaluate":                on("qExpression:s", evaluate),
	"EvaluateEx":              on("qExpression:s", evaluateEx),
	"ExpandExpression":        on("qExpression:s", expandExpression),
	"CheckExpression":         on("qExpr:s qLabels:a", checkExpression),
	"CheckNumberOrExpression": on("qExpr:s", checkExpression),
	"GetFieldsFromExpression": on("qExpr:s", getFieldsFromExpression),
	"GetTableData":            on("qOffset:i qRows:i qSyntheticMode:b qTableName:s", getTableData),
	"GetTablesAndKeys":        on("qWindowSize:o qNullSize:o qCellHeight:i qSyntheticMode:b qIncludeSysVars:b qIncludeProfiling:b", getTablesAndKeys),
	"GetFieldDescription":     on("qFieldName:s", getFieldDescription),
	"GetMatchingFields":       on("qTags:a qMatchingFieldMode:x", getMatchingFields),
	"FindMatchingFields":      on("qFieldName:s qTags:a", getMatchingFields),
	"GetFieldOnTheFlyByName":  on("qReadableName:s", func(c *call) error { c.putString("qName", c.str("qReadableName")); return nil }),
	"GetExpressionBNF":        on("", getBNF),
	"GetExpressionBNFHash":    on("", func(c *call) error { c.putString("qBnfHash", bnfHash); return nil }),
	"GetLooselyCoupledVector": on("", func(c *call) error { c.putNode("qv", tree.NewArray()); return nil }),
	"GetFieldsResourceIds":    on("qFieldNames:a", func(c *call) error { c.putNode("qFields", tree.NewArray()); return nil }),
	"GetViewDlgSaveInfo":      on("", func(c *call) error { c.putNode("qReturn", tree.NewObject()); return nil }),
	"SetViewDlgSaveInfo":      on("qInfo:o", func(*call) error { return nil }),
}

// appendFieldValue writes a FieldValue; NULL shows as "-".
func appendFieldValue(dst []byte, shown string, v dual.Value) []byte {
	if v.IsNull() {
		shown = "-"
	}
	dst = tree.AppendString(append(dst, `{"qText":`...), shown)
	if v.HasNum() {
		dst = append(dst, `,"qIsNumeric":true,"qNumber":`...)
	} else {
		dst = append(dst, `,"qIsNumeric":false,"qNumber":`...)
	}
	return append(tree.AppendFloat(dst, v.Float()), '}')
}

// value evaluates an expression; what is wrong with the expression is told as
// text, as users see it, and only cancelling is an error.
func (c *call) value(ctx context.Context, source string) (string, dual.Value, error) {
	v, err := c.s.Value(ctx, source, "")
	if ctx.Err() != nil {
		return "", v, ctx.Err()
	}
	if err != nil {
		v = dual.String("Error: " + err.Error())
	}
	if v.IsNull() {
		return "-", v, nil
	}
	return c.s.Data().Locale.Text(v), v, nil
}

func evaluate(c *call) error {
	shown, _, err := c.value(c.ctx, c.str("qExpression"))
	if err == nil {
		c.putString("qReturn", shown)
	}
	return err
}

func evaluateEx(c *call) error {
	shown, v, err := c.value(c.ctx, c.str("qExpression"))
	if err == nil {
		c.put("qValue", appendFieldValue(nil, shown, v))
	}
	return err
}

func expandExpression(c *call) error {
	text, err := c.s.Context("").Expand(c.ctx, c.str("qExpression"), 0)
	if err == nil {
		c.putString("qExpandedExpression", text)
	}
	return err
}

// parse expands and parses an expression; message is what is wrong with it.
func (c *call) parse(source string) (n expr.Node, message string) {
	text, err := c.s.Context("").Expand(c.ctx, source, 0)
	if err == nil {
		n, err = expr.Parse(text, expr.Options{})
	}
	if err != nil {
		return nil, err.Error()
	}
	return n, ""
}

func checkExpression(c *call) error {
	source := c.str("qExpr")
	n, message := c.parse(source)
	var bad []*tree.Node
	if n != nil {
		for _, name := range expr.Fields(n) {
			if at := strings.Index(source, name); at >= 0 && c.s.FieldOf(name) == nil && c.s.VariableItem(name) == nil {
				bad = append(bad, obj(integer("qFrom", at), integer("qCount", len(name))))
			}
		}
	}
	c.putString("qErrorMsg", message)
	c.putNode("qBadFieldNames", tree.NewArray(bad...))
	c.putNode("qDangerousFieldNames", tree.NewArray())
	return nil
}

func getFieldsFromExpression(c *call) error {
	var names []string
	if n, _ := c.parse(c.str("qExpr")); n != nil {
		for _, name := range expr.Fields(n) {
			if f := c.s.FieldOf(name); f != nil && !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	c.putNode("qFieldNames", tree.NewStrings(names...))
	return nil
}

// rowsMax bounds the rows of one answer of GetTableData.
const rowsMax = 1_000_000

func getTableData(c *call) error {
	d := c.s.Data()
	t := d.Model.Table(c.str("qTableName"))
	if t == nil {
		return fmt.Errorf("table %s: %w", c.str("qTableName"), object.ErrNotFound)
	}
	columns := d.Columns(t, c.bool("qSyntheticMode"))
	lo := min(max(c.int("qOffset"), 0), t.Rows)
	hi := lo + min(max(c.int("qRows"), 0), rowsMax, t.Rows-lo)
	values := make([][]dual.Value, len(columns))
	for i := range columns {
		values[i] = columns[i].Values(lo, hi)
	}
	dst := []byte{'['}
	for row := range hi - lo {
		dst = append(tree.AppendComma(dst), `{"qValue":[`...)
		for i := range columns {
			v := values[i][row]
			dst = appendFieldValue(tree.AppendComma(dst), d.Locale.Text(v), v)
		}
		dst = append(dst, ']', '}')
	}
	c.put("qData", append(dst, ']'))
	return nil
}

func getTablesAndKeys(c *call) error {
	d := c.s.Data()
	synthetic := c.bool("qSyntheticMode")
	var tables []*tree.Node
	for _, t := range d.Model.Tables {
		if t.Synthetic && !synthetic {
			continue
		}
		var fields []*tree.Node
		for _, col := range d.Columns(t, synthetic) {
			fields = append(fields, fieldInTable(t, col.Field, col.Profile(t.Rows)))
		}
		tables = append(tables, obj(
			text("qName", t.Name), flag("qLoose", t.Loose), integer("qNoOfRows", t.Rows), node("qFields", tree.NewArray(fields...)),
			node("qPos", obj(integer("qx", 0), integer("qy", 0))), text("qComment", t.Comment), flag("qIsSynthetic", t.Synthetic),
			node("qTableTags", tree.NewStrings(t.Table.Tags...))))
	}
	c.putNode("qtr", tree.NewArray(tables...))
	c.putNode("qk", tree.NewArray(keysOf(d.Model, synthetic)...))
	return nil
}

func keysOf(m *model.Model, synthetic bool) (keys []*tree.Node) {
	for _, f := range m.Fields {
		if !f.Key || model.IsSynthetic(f.Name) && !synthetic {
			continue
		}
		var names []string
		for _, t := range f.Tables {
			if !t.Synthetic || synthetic {
				names = append(names, t.Name)
			}
		}
		keys = append(keys, obj(node("qKeyFields", tree.NewStrings(f.Name)), node("qTables", tree.NewStrings(names...))))
	}
	return keys
}

func fieldInTable(t *model.Table, f *model.Field, p app.Profile) *tree.Node {
	key := "NOT_KEY"
	switch {
	case !f.Key:
	case p.NonNulls == p.Present && p.Present == p.Total && p.NonNulls == t.Rows:
		key = "PERFECT_KEY"
	case p.NonNulls == p.Present:
		key = "PRIMARY_KEY"
	default:
		key = "ANY_KEY"
	}
	return obj(
		text("qName", f.Name), node("qOriginalFields", tree.NewArray()), flag("qPresent", true), flag("qHasNull", p.NonNulls < t.Rows),
		flag("qHasWild", false), flag("qHasDuplicates", p.Present < p.NonNulls), flag("qIsSynthetic", model.IsSynthetic(f.Name)),
		float("qInformationDensity", ratio(p.NonNulls, t.Rows)), integer("qnNonNulls", p.NonNulls), integer("qnRows", t.Rows),
		float("qSubsetRatio", ratio(p.Present, p.Total)), integer("qnTotalDistinctValues", p.Total), integer("qnPresentDistinctValues", p.Present),
		text("qKeyType", key), text("qComment", f.Comment), node("qTags", tree.NewStrings(f.Tags...)), node("qDerivedFields", tree.NewArray()),
		flag("qIsFieldOnTheFly", false), text("qReadableName", f.Name))
}

func ratio(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

func getFieldDescription(c *call) error {
	f := c.s.FieldOf(c.str("qFieldName"))
	if f == nil {
		return fmt.Errorf("field %s: %w", c.str("qFieldName"), object.ErrNotFound)
	}
	sel, locked, err := selectionOf(c.s, f)
	if err != nil {
		return err
	}
	c.putNode("qReturn", obj(
		integer("qInternalNumber", f.ID), text("qName", f.Name), node("qSrcTables", tree.NewStrings(session.SourceTables(f)...)),
		flag("qIsSystem", model.IsSynthetic(f.Name)), flag("qIsHidden", slices.Contains(f.Tags, "$hidden")), flag("qIsSemantic", false),
		flag("qDistinctOnly", false), integer("qCardinal", f.Symbols.Len()), integer("qTotalCount", totalCount(f)),
		flag("qIsLocked", locked), flag("qAlwaysOneSelected", sel), flag("qAndMode", false),
		flag("qIsNumeric", slices.Contains(f.Tags, "$numeric")), text("qComment", f.Comment), node("qTags", tree.NewStrings(f.Tags...)),
		flag("qIsDefinitionOnly", false), integer("qByteSize", 0)))
	return nil
}

func selectionOf(s *session.Session, f *model.Field) (oneAlways, locked bool, err error) {
	st, err := s.State("")
	if err != nil {
		return false, false, err
	}
	sel, _ := st.Field(f.Name)
	return sel.OneAlways, sel.Locked, nil
}

func totalCount(f *model.Field) int { return min(f.Home().Rows, math.MaxInt32) }

func getMatchingFields(c *call) error {
	var items []*tree.Node
	for _, f := range c.s.Data().Model.Fields {
		if slices.ContainsFunc(c.strings("qTags"), func(t string) bool { return slices.Contains(f.Tags, t) }) {
			items = append(items, obj(text("qName", f.Name), node("qTags", tree.NewStrings(f.Tags...))))
		}
	}
	c.putNode("qFieldNames", tree.NewArray(items...))
	return nil
}
