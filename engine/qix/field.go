package qix

import (
	"fmt"

	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/storage/bitset"
	"github.com/cognate-bi/cognate/storage/dual"
)

// fieldMethods are the methods of a field in a state.
var fieldMethods = map[string]method{
	"GetCardinal":       on("", func(c *call) error { return c.withField(func(f *model.Field) { c.putInt("qReturn", f.Symbols.Len()) }) }),
	"Select":            on("qMatch:s qSoftLock:b qExcludedValuesMode:x", selectMatch(false)),
	"ToggleSelect":      on("qMatch:s qSoftLock:b qExcludedValuesMode:x", selectMatch(true)),
	"SelectValues":      on("qFieldValues:a qToggleMode:b qSoftLock:b", selectValues),
	"LowLevelSelect":    on("qValues:a qToggleMode:b qSoftLock:b", lowLevelSelect),
	"SelectAll":         on("qSoftLock:b", selectStatus(session.Everything)),
	"SelectPossible":    on("qSoftLock:b", selectStatus(session.Possible)),
	"SelectAlternative": on("qSoftLock:b", selectStatus(session.Alternative)),
	"SelectExcluded":    on("qSoftLock:b", selectStatus(session.Excluded)),
	"Clear":             on("", clearField),
	"ClearAllButThis":   on("qSoftLock:b", clearOthers),
	"Lock":              on("", lockField(true)),
	"Unlock":            on("", lockField(false)),
	"GetNxProperties":   on("", getFieldProperties),
	"SetNxProperties":   on("qProperties:o", setFieldProperties),
	"GetAndMode":        on("", func(c *call) error { c.putBool("qReturn", false); return nil }),
	"SetAndMode":        on("qAndMode:b", setAndMode),
}

func (c *call) field() (*model.Field, error) {
	if f := c.s.Data().Model.Field(c.ref.ID); f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("field %s: %w", c.ref.ID, object.ErrNotFound) // a reload has removed it
}

func (c *call) withField(do func(*model.Field)) error {
	f, err := c.field()
	if err == nil {
		do(f)
	}
	return err
}

// pick selects codes in the handle's field and answers success.
func (c *call) pick(f *model.Field, codes *bitset.Set, toggle bool) error {
	ok, err := c.s.Select(f, codes, session.Pick{State: c.ref.State, Toggle: toggle, SoftLock: c.bool("qSoftLock")})
	return c.done("qReturn", ok, err)
}

func selectMatch(toggle bool) func(*call) error {
	return func(c *call) error {
		f, err := c.field()
		if err != nil {
			return err
		}
		codes, err := c.s.Search(c.ctx, f, c.ref.State, c.str("qMatch"))
		if err != nil {
			return err
		}
		return c.pick(f, codes, toggle)
	}
}

// fieldValues reads FieldValue entries.
func fieldValues(list *tree.Node) []dual.Value {
	var out []dual.Value
	for _, v := range list.Items() {
		switch {
		case v.Get("qIsNumeric").Truth():
			out = append(out, dual.New(v.Get("qText").Str(), v.Get("qNumber").Float()))
		default:
			out = append(out, dual.String(v.Get("qText").Str()))
		}
	}
	return out
}

func selectValues(c *call) error {
	f, err := c.field()
	if err != nil {
		return err
	}
	return c.pick(f, c.s.CodesOf(f, fieldValues(c.arg("qFieldValues"))), c.bool("qToggleMode"))
}

func lowLevelSelect(c *call) error {
	f, err := c.field()
	if err != nil {
		return err
	}
	return c.pick(f, session.Elements(f, c.ints("qValues")), c.bool("qToggleMode"))
}

func selectStatus(want session.Status) func(*call) error {
	return func(c *call) error {
		f, err := c.field()
		if err != nil {
			return err
		}
		codes, err := c.s.WithStatus(f, c.ref.State, want)
		if err != nil {
			return err
		}
		return c.pick(f, codes, false)
	}
}

func clearField(c *call) error {
	ok, err := c.s.Clear(c.ref.ID, session.Pick{State: c.ref.State})
	return c.done("qReturn", ok, err)
}

func clearOthers(c *call) error {
	return c.done("qReturn", true, c.s.ClearAll(c.ref.State, c.bool("qSoftLock"), c.ref.ID))
}

func lockField(locked bool) func(*call) error {
	return func(c *call) error {
		ok, err := c.s.SetLock(c.ref.ID, c.ref.State, locked)
		return c.done("qReturn", ok, err)
	}
}

func getFieldProperties(c *call) error {
	st, err := c.s.State(c.ref.State)
	if err != nil {
		return err
	}
	sel, _ := st.Field(c.ref.ID)
	c.putNode("qProperties", obj(flag("qOneAndOnlyOne", sel.OneAlways)))
	return nil
}

func setFieldProperties(c *call) error {
	ok, err := c.s.SetOneAlways(c.ref.ID, c.ref.State, c.arg("qProperties").Get("qOneAndOnlyOne").Truth())
	if err == nil && !ok {
		return &Error{codeInvalid, "qOneAndOnlyOne", "Exactly one value has to be selected"}
	}
	return err
}

func setAndMode(c *call) error {
	if c.bool("qAndMode") {
		return fmt.Errorf("AND mode: %w", session.ErrUnsupported)
	}
	return nil
}
