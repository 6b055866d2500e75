package qix

import (
	"math"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

var dimensionMethods = map[string]method{
	"GetDimension":   on("", member1("qDim")),
	"GetActiveField": on("", func(c *call) error { c.putInt("qReturn", 0); return nil }),
}

var measureMethods = map[string]method{
	"GetMeasure": on("", member1("qMeasure")),
}

// member1 answers one member of the item's properties.
func member1(name string) func(*call) error {
	return func(c *call) error {
		it, err := c.item()
		if err == nil {
			c.putNode(name, it.Props.Get(name))
		}
		return err
	}
}

var bookmarkMethods = map[string]method{
	"Apply":          on("", func(c *call) error { _, err := c.apply(c.ref.ID); return c.done("qSuccess", true, err) }),
	"ApplyAndVerify": on("", applyOwn),
	"GetFieldValues": on("qField:s qGetExcludedValues:b qDataPage:o", getBookmarkValues),
}

func applyOwn(c *call) error {
	missing, err := c.apply(c.ref.ID)
	if err == nil {
		c.putNode("qResult", applyResult(missing))
	}
	return err
}

func getBookmarkValues(c *call) error {
	it, err := c.item()
	if err != nil {
		return err
	}
	var values []*tree.Node
	for _, st := range it.State.Get("states").Items() {
		for _, f := range st.Get("fields").Items() {
			if st.Get("name").Str() == "$" && f.Get("field").Str() == c.str("qField") {
				values = append(values, bookmarkValues(c.s.ShownValues(f))...)
			}
		}
	}
	page := c.arg("qDataPage")
	lo := min(max(page.Get("qStartIndex").Int(), 0), len(values))
	hi := min(max(page.Get("qEndIndex").IntOr(len(values)), lo), len(values))
	c.putNode("qFieldValues", tree.NewArray(values[lo:hi]...))
	return nil
}

func bookmarkValues(values []*tree.Node) (out []*tree.Node) {
	for _, v := range values {
		n := v.Get("n")
		out = append(out, obj(node("qText", v.Get("t")), flag("qIsNumeric", n != nil), float("qNumber", n.Float())))
	}
	return out
}

var variableMethods = map[string]method{
	"GetRawContent":  on("", getContent),
	"SetStringValue": on("qVal:s", func(c *call) error { return c.s.SetDefinition(c.ref.ID, c.str("qVal")) }),
	"SetNumValue":    on("qVal:n", func(c *call) error { return setNumber(c, c.ref.ID, c.arg("qVal").Float()) }),
	"SetDualValue":   on("qText:s qNum:n", func(c *call) error { return c.s.SetDual(c.ref.ID, c.str("qText"), c.arg("qNum").Float()) }),
}

func setNumber(c *call, id string, x float64) error {
	return c.s.SetDual(id, string(tree.AppendFloat(nil, x)), x)
}

func getContent(c *call) error {
	it, err := c.variable()
	if err != nil {
		return err
	}
	c.putString("qReturn", it.Props.Get("qDefinition").Str())
	return nil
}

// variable returns the variable that the handle, of either class, stands for.
func (c *call) variable() (*object.Item, error) {
	if it := c.s.VariableItem(c.ref.ID); it != nil {
		return it, nil
	}
	return c.item()
}

// legacyVariableMethods are those of the old class, which goes by name.
var legacyVariableMethods = map[string]method{
	"GetContent":    on("", getAlfaNum),
	"GetRawContent": on("", getContent),
	"SetContent":    on("qContent:s qUpdateMRU:b", setContent),
	"ForceContent":  on("qs:s qd:n", forceContent),
}

func getAlfaNum(c *call) error {
	it, err := c.variable()
	if err != nil {
		return err
	}
	shown, num, err := c.s.VariableValue(c.ctx, it)
	if err == nil {
		c.putNode("qContent", obj(text("qString", shown), flag("qIsNum", !math.IsNaN(num))))
	}
	return err
}

func setContent(c *call) error {
	it, err := c.variable()
	if err != nil {
		return err
	}
	return c.done("qReturn", true, c.s.SetDefinition(it.ID, c.str("qContent")))
}

func forceContent(c *call) error {
	it, err := c.variable()
	if err != nil {
		return err
	}
	return c.s.SetDefinition(it.ID, c.str("qs"))
}
