package qix

import (
	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
)

// objectCubes are the methods about hypercubes and list objects: pages of
// data, selections in them, searches, groups and pivot nodes.
var objectCubes = map[string]method{
	"GetListObjectData":       on("qPath:s qPages:a", pages(session.StraightPages)),
	"GetHyperCubeData":        on("qPath:s qPages:a", pages(session.StraightPages)),
	"GetHyperCubeReducedData": on("qPath:s qPages:a qZoomFactor:i qReductionMode:x", pages(session.StraightPages)),
	"GetHyperCubePivotData":   on("qPath:s qPages:a", pages(session.PivotPages)),
	"GetHyperCubeStackData":   on("qPath:s qPages:a qMaxNbrCells:i", pages(session.StackPages)),

	"SelectListObjectValues":          on("qPath:s qValues:a qToggleMode:b qSoftLock:b", selectListValues),
	"SelectListObjectAll":             on("qPath:s qSoftLock:b", selectListStatus(session.Everything)),
	"SelectListObjectPossible":        on("qPath:s qSoftLock:b", selectListStatus(session.Possible)),
	"SelectListObjectAlternative":     on("qPath:s qSoftLock:b", selectListStatus(session.Alternative)),
	"SelectListObjectExcluded":        on("qPath:s qSoftLock:b", selectListStatus(session.Excluded)),
	"SelectListObjectContinuousRange": on("qPath:s qRanges:a qSoftLock:b", selectListRange),
	"SelectHyperCubeValues":           on("qPath:s qDimNo:i qValues:a qToggleMode:b", selectCubeValues),
	"SelectHyperCubeCells":            on("qPath:s qRowIndices:a qColIndices:a qSoftLock:b qDeselectOnlyOneSelected:b", selectCubeCells),
	"SelectPivotCells":                on("qPath:s qSelections:a qSoftLock:b qDeselectOnlyOneSelected:b", selectPivotCells),
	"SelectHyperCubeContinuousRange":  on("qPath:s qRanges:a qSoftLock:b", selectCubeRange),
	"RangeSelectHyperCubeValues":      on("qPath:s qRanges:a qColumnsToSelect:a qOrMode:b qDeselectOnlyOneSelected:b", rangeSelect),
	"MultiRangeSelectHyperCubeValues": on("qPath:s qRanges:a qOrMode:b qDeselectOnlyOneSelected:b", multiRangeSelect),

	"SearchListObjectFor":    on("qPath:s qMatch:s", inPlace(searchList)),
	"AbortListObjectSearch":  on("qPath:s", abortSearch),
	"AcceptListObjectSearch": on("qPath:s qToggleMode:b qSoftLock:b", inPlace(acceptSearch)),

	"ClearSelections": on("qPath:s qColIndices:a", clearSelections),
	"Lock":            on("qPath:s qColIndices:a", lockPlace(true)),
	"Unlock":          on("qPath:s qColIndices:a", lockPlace(false)),

	"SetActiveField": on("qPath:s qDimNo:i qNewIndex:i", setActive("qNewIndex", false)),
	"StepCycle":      on("qPath:s qDimNo:i qNbrSteps:i", setActive("qNbrSteps", true)),
	"DrillUp":        on("qPath:s qDimNo:i qNbrSteps:i", inPlace(drillUp)),
	"ExpandLeft":     on("qPath:s qRow:i qCol:i qAll:b", expand(false, true)),
	"ExpandTop":      on("qPath:s qRow:i qCol:i qAll:b", expand(true, true)),
	"CollapseLeft":   on("qPath:s qRow:i qCol:i qAll:b", expand(false, false)),
	"CollapseTop":    on("qPath:s qRow:i qCol:i qAll:b", expand(true, false)),
}

// place is the definition that the path of the call leads to.
func (c *call) place() (session.Place, error) { return c.s.Place(c.ref.ID, c.str("qPath")) }

// inPlace makes do a method that is about a place.
func inPlace(do func(*call, session.Place) error) func(*call) error {
	return func(c *call) error {
		p, err := c.place()
		if err != nil {
			return err
		}
		return do(c, p)
	}
}

// pagesMax bounds the pages of one request.
const pagesMax = 1000

func pages(kind byte) func(*call) error {
	return inPlace(func(c *call, p session.Place) error {
		list := c.arg("qPages").Items()
		if len(list) > pagesMax {
			return invalid("qPages")
		}
		var wanted []cube.Page
		for _, n := range list {
			wanted = append(wanted, cube.ParsePage(n))
		}
		json, err := c.s.AppendPages(c.ctx, nil, p, kind, wanted)
		if err == nil {
			c.put("qDataPages", json)
		}
		return err
	})
}

// selecting runs a selection in a place and answers qSuccess.
func (c *call) selecting(how session.Pick, do func(session.Place, session.Pick) (bool, error)) error {
	p, err := c.place()
	if err != nil {
		return err
	}
	ok, err := do(p, how)
	return c.done("qSuccess", ok, err)
}

func selectListValues(c *call) error {
	how := session.Pick{Toggle: c.bool("qToggleMode"), SoftLock: c.bool("qSoftLock")}
	return c.selecting(how, func(p session.Place, how session.Pick) (bool, error) {
		return c.s.PickElements(c.ctx, p, 0, c.ints("qValues"), how)
	})
}

func selectListStatus(want session.Status) func(*call) error {
	return func(c *call) error {
		return c.selecting(session.Pick{SoftLock: c.bool("qSoftLock")}, func(p session.Place, how session.Pick) (bool, error) {
			return c.s.PickStatus(c.ctx, p, want, how)
		})
	}
}

func selectListRange(c *call) error {
	return c.selecting(session.Pick{SoftLock: c.bool("qSoftLock")}, func(p session.Place, how session.Pick) (bool, error) {
		var ranges []session.Range
		for _, n := range c.arg("qRanges").Items() {
			ranges = append(ranges, readRange(n))
		}
		return c.s.PickContinuous(c.ctx, p, 0, ranges, how)
	})
}

func selectCubeValues(c *call) error {
	return c.selecting(session.Pick{Toggle: c.bool("qToggleMode")}, func(p session.Place, how session.Pick) (bool, error) {
		return c.s.PickElements(c.ctx, p, c.int("qDimNo"), c.ints("qValues"), how)
	})
}

func selectCubeCells(c *call) error {
	return c.selecting(session.Pick{SoftLock: c.bool("qSoftLock")}, func(p session.Place, how session.Pick) (bool, error) {
		return c.s.PickCells(c.ctx, p, c.ints("qRowIndices"), c.ints("qColIndices"), how)
	})
}

func selectPivotCells(c *call) error {
	var cells []session.AxisCell
	for _, n := range c.arg("qSelections").Items() {
		cells = append(cells, session.AxisCell{Kind: axisKind(n.Get("qType")), Row: n.Get("qRow").Int(), Col: n.Get("qCol").Int()})
	}
	return c.selecting(session.Pick{SoftLock: c.bool("qSoftLock")}, func(p session.Place, how session.Pick) (bool, error) {
		return c.s.PickPivot(c.ctx, p, cells, how)
	})
}

// axisKind reads an NxSelectionCellType: D data, T top, L left.
func axisKind(n *tree.Node) byte {
	if n.Kind() == tree.Number {
		return "DTL"[min(max(n.Int(), 0), 2)]
	}
	switch n.Str() {
	case "T", "NX_CELL_TOP", "EQ_NX_CELL_TOP":
		return 'T'
	case "L", "NX_CELL_LEFT", "EQ_NX_CELL_LEFT":
		return 'L'
	}
	return 'D'
}

func readRange(n *tree.Node) session.Range {
	return session.Range{Min: n.Get("qMin").Float(), Max: n.Get("qMax").Float(), MinIn: n.Get("qMinInclEq").Truth(), MaxIn: n.Get("qMaxInclEq").Truth()}
}

func selectCubeRange(c *call) error {
	byDim := map[int][]session.Range{}
	for _, n := range c.arg("qRanges").Items() {
		dim := n.Get("qDimIx").Int()
		byDim[dim] = append(byDim[dim], readRange(n.Get("qRange")))
	}
	return c.selecting(session.Pick{SoftLock: c.bool("qSoftLock")}, func(p session.Place, how session.Pick) (bool, error) {
		done := false
		for dim, ranges := range byDim {
			ok, err := c.s.PickContinuous(c.ctx, p, dim, ranges, how)
			if err != nil {
				return false, err
			}
			done = done || ok
		}
		return done, nil
	})
}

// measureRanges reads NxRangeSelectInfo entries by measure.
func measureRanges(list *tree.Node) map[int][]session.Range {
	out := map[int][]session.Range{}
	for _, n := range list.Items() {
		m := n.Get("qMeasureIx").Int()
		out[m] = append(out[m], readRange(n.Get("qRange")))
	}
	return out
}

func rangeSelect(c *call) error {
	return c.selecting(session.Pick{}, func(p session.Place, how session.Pick) (bool, error) {
		return c.s.PickRanges(c.ctx, p, measureRanges(c.arg("qRanges")), c.ints("qColumnsToSelect"), c.bool("qOrMode"), how)
	})
}

func multiRangeSelect(c *call) error {
	return c.selecting(session.Pick{}, func(p session.Place, how session.Pick) (bool, error) {
		done := false
		for _, n := range c.arg("qRanges").Items() {
			ok, err := c.s.PickRanges(c.ctx, p, measureRanges(n.Get("qRanges")), n.Get("qColumnsToSelect").Ints(), c.bool("qOrMode"), how)
			if err != nil {
				return false, err
			}
			done = done || ok
		}
		return done, nil
	})
}

func searchList(c *call, p session.Place) error {
	found, err := c.s.SearchFor(c.ctx, p, c.str("qMatch"))
	return c.done("qSuccess", found, err)
}

// abortSearch ends a search; clients send it whether there is one or not.
func abortSearch(c *call) error {
	if p, err := c.place(); err == nil {
		c.s.AbortSearch(p)
	}
	return nil
}

func acceptSearch(c *call, p session.Place) error {
	_, err := c.s.AcceptSearch(c.ctx, p, session.Pick{Toggle: c.bool("qToggleMode"), SoftLock: c.bool("qSoftLock")})
	return err
}

// eachField calls do for the fields behind the columns of a place.
func (c *call) eachField(do func(f *model.Field, p session.Place) error) error {
	p, err := c.place()
	if err != nil {
		return err
	}
	fields, err := c.s.FieldsAt(c.ctx, p, c.ints("qColIndices"))
	if err != nil {
		return err
	}
	for _, f := range fields {
		if err := do(f, p); err != nil {
			return err
		}
	}
	return nil
}

func clearSelections(c *call) error {
	return c.eachField(func(f *model.Field, p session.Place) error {
		_, err := c.s.Clear(f.Name, session.Pick{Object: c.ref.ID, State: p.State})
		return err
	})
}

func lockPlace(locked bool) func(*call) error {
	return func(c *call) error {
		return c.eachField(func(f *model.Field, p session.Place) error {
			_, err := c.s.SetLock(f.Name, p.State, locked)
			return err
		})
	}
}

func setActive(number string, step bool) func(*call) error {
	return inPlace(func(c *call, p session.Place) error {
		return c.s.SetActive(p, c.int("qDimNo"), c.int(number), step)
	})
}

func drillUp(c *call, p session.Place) error {
	return c.s.DrillUp(p, c.int("qDimNo"), c.int("qNbrSteps"))
}

func expand(top, open bool) func(*call) error {
	return inPlace(func(c *call, p session.Place) error {
		return c.s.Expand(c.ctx, p, top, c.int("qRow"), c.int("qCol"), c.bool("qAll"), open)
	})
}
