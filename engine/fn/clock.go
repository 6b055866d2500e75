package fn

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

var clockFuncs = []Func{
	{Name: "Now", Max: 1, Eval: func(c *Context, args []dual.Value) dual.Value {
		t, ok := c.timer(args, 1)
		return c.stamp(t, ok)
	}},
	{Name: "Today", Max: 1, Eval: func(c *Context, args []dual.Value) dual.Value {
		t, ok := c.timer(args, 1)
		if !ok {
			return dual.Value{}
		}
		return c.date(math.Floor(serialOf(t)))
	}},
	{Name: "UTC", Max: 1, Eval: utc},
	{Name: "GMT", Max: 1, Eval: utc},
	{Name: "LocalTime", Max: 2, Eval: localTime},
	{Name: "ConvertToLocalTime", Min: 1, Max: 3, Eval: strict(convertToLocalTime)},
	{Name: "TimeZone", Eval: func(c *Context, _ []dual.Value) dual.Value {
		if c.Now == nil {
			return dual.Value{}
		}
		name, offset := standardZone(c.Now())
		return dual.String("GMT" + zoneOffset(offset) + " " + name)
	}},
	{Name: "DaylightSaving", Eval: func(c *Context, _ []dual.Value) dual.Value {
		if c.Now == nil {
			return dual.Value{}
		}
		now := c.Now()
		_, offset := now.Zone()
		_, standard := standardZone(now)
		return realValue(float64(offset-standard) / 86400)
	}},
	{Name: "ElapsedSeconds", Volatile: true, Eval: func(c *Context, _ []dual.Value) dual.Value {
		if c.Now == nil || c.StartTime.IsZero() {
			return dual.Value{}
		}
		return realValue(c.Now().Sub(c.StartTime).Seconds())
	}},
	{Name: "ReloadTime", Eval: func(c *Context, _ []dual.Value) dual.Value {
		return c.stamp(c.ReloadTime, !c.ReloadTime.IsZero())
	}},
}

// serialOf returns the serial number of the wall clock of t, in whole seconds.
func serialOf(t time.Time) float64 {
	day := number.DateSerial(t.Year(), int(t.Month()), t.Day())
	return day + float64(t.Hour()*3600+t.Minute()*60+t.Second())/86400
}

// timeOf is the inverse of serialOf, as a wall clock in a zone.
func timeOf(m number.Moment, zone *time.Location) time.Time {
	return time.Date(m.Year, time.Month(m.Month), m.Day, m.Hour, m.Minute, m.Second, m.Millis*1e6, zone)
}

func (c *Context) stamp(t time.Time, ok bool) dual.Value {
	if !ok {
		return dual.Value{}
	}
	return c.clock(serialOf(t), dual.Timestamp, "")
}

// timer returns the moment of a timer mode: 0 last reload, 1 the call, 2 when
// the app was opened. What is not known is the moment of the call.
func (c *Context) timer(args []dual.Value, mode int) (time.Time, bool) {
	mode, _ = c.intAt(args, 0, mode)
	switch {
	case mode == 0 && !c.ReloadTime.IsZero():
		return c.ReloadTime, true
	case mode == 2 && !c.OpenTime.IsZero():
		return c.OpenTime, true
	case c.Now == nil:
		return time.Time{}, false
	}
	return c.Now(), true
}

func utc(c *Context, _ []dual.Value) dual.Value {
	if c.Now == nil {
		return dual.Value{}
	}
	return c.stamp(c.Now().UTC(), true)
}

func localTime(c *Context, args []dual.Value) dual.Value {
	if c.Now == nil {
		return dual.Value{}
	}
	now := c.Now()
	if len(args) == 0 {
		return c.stamp(now, true)
	}
	zone, ok := zoneNamed(c.text(args[0]))
	if !ok {
		return dual.Value{}
	}
	return c.stamp(inZone(now, zone, len(args) > 1 && c.True(args[1])), true)
}

func convertToLocalTime(c *Context, args []dual.Value) dual.Value {
	x := c.num(args[0])
	m, ok := number.SplitSerial(x)
	if !ok {
		return dual.Value{}
	}
	zone := time.UTC
	if c.Now != nil {
		zone = c.Now().Location()
	}
	if len(args) > 1 {
		if zone, ok = zoneNamed(c.text(args[1])); !ok {
			return dual.Value{}
		}
	}
	return c.stamp(inZone(timeOf(m, time.UTC), zone, len(args) > 2 && c.True(args[2])), true)
}

func inZone(t time.Time, zone *time.Location, ignoreDST bool) time.Time {
	t = t.In(zone)
	if ignoreDST && t.IsDST() {
		_, offset := standardZone(t)
		t = t.In(time.FixedZone("", offset))
	}
	return t
}

// standardZone returns name and offset of the zone of t without daylight
// saving: that of January or July, whichever is not summer.
func standardZone(t time.Time) (name string, offsetSec int) {
	for _, month := range []time.Month{time.January, time.July} {
		if s := time.Date(t.Year(), month, 1, 12, 0, 0, 0, t.Location()); !s.IsDST() {
			return s.Zone()
		}
	}
	return t.Zone()
}

// zoneNamed finds GMT, GMT+01:00 or a zone of the time zone database.
func zoneNamed(name string) (*time.Location, bool) {
	if rest, ok := strings.CutPrefix(strings.ToUpper(name), "GMT"); ok {
		return gmtOffset(rest)
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil && name != ""
}

func gmtOffset(s string) (*time.Location, bool) {
	if s == "" {
		return time.UTC, true
	}
	hours, minutes, _ := strings.Cut(s[1:], ":")
	h, errH := strconv.Atoi(hours)
	m := 0
	if minutes != "" {
		var err error
		if m, err = strconv.Atoi(minutes); err != nil {
			return nil, false
		}
	}
	if errH != nil || s[0] != '+' && s[0] != '-' || h < 0 || h > 14 || m < 0 || m > 59 {
		return nil, false
	}
	offset := h*3600 + m*60
	if s[0] == '-' {
		offset = -offset
	}
	return time.FixedZone("GMT"+s, offset), true
}

func zoneOffset(sec int) string {
	sign := byte('+')
	if sec < 0 {
		sign, sec = '-', -sec
	}
	two := func(n int) string { return strconv.Itoa(n/10) + strconv.Itoa(n%10) }
	return string(sign) + two(sec/3600) + ":" + two(sec/60%60)
}
