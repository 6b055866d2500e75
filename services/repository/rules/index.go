package rules

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"sync/atomic"
)

// A typeIndex has the rules of one category by the type of resource, so that
// a decision looks at candidates only.
type typeIndex struct {
	rules  []*rule
	byType map[string]*typeRules // as spelled in knownTypes or in filters
}

// typeRules are the rules whose filter covers something of a type.
type typeRules struct {
	covers       map[*rule]cover
	free, asking ordered // for no privilege, for privileges
}

func newTypeIndex(rules []*rule) *typeIndex {
	x := &typeIndex{rules: rules, byType: map[string]*typeRules{}}
	for _, name := range knownTypes {
		x.byType[name] = x.build(name)
	}
	return x
}

func (x *typeIndex) of(typeName string) *typeRules {
	if known, ok := x.byType[typeName]; ok {
		return known
	}
	return x.build(typeName)
}

func (x *typeIndex) build(typeName string) *typeRules {
	t := &typeRules{covers: map[*rule]cover{}}
	var free, asking []*rule
	for _, r := range x.rules {
		if r.err != nil || r.Disabled {
			continue
		}
		c := r.filter.cover(typeName)
		if c.empty() {
			continue
		}
		t.covers[r] = c
		if r.condition.facts().asks {
			asking = append(asking, r)
		} else {
			free = append(free, r)
		}
	}
	t.free.set(free)
	t.asking.set(asking)
	return t
}

// candidates are the rules of a resource: by its type, and for a section by
// the type and the id that its name says.
type candidates [2]struct {
	rules *typeRules
	id    string
}

func (s *RuleSet) candidates(c Category, e Entity) candidates {
	var found candidates
	x := s.index[c]
	found[0].rules, found[0].id = x.of(e.Type()), e.ID()
	if section, id, ok := sectionOf(e); ok {
		found[1].rules, found[1].id = x.of(section), id
	}
	return found
}

// sectionOf cuts the name of a section, QmcSection_App, as filters do.
func sectionOf(e Entity) (typeName, id string, ok bool) {
	if e.Type() != typeTransient {
		return "", "", false
	}
	typeName, id, _ = strings.Cut(e.ID(), "_")
	return typeName, id, true
}

// each calls f with the rules that fit, until it returns false.
func (c *candidates) each(asking bool, f func(*rule) bool) {
	for _, part := range c {
		if part.rules == nil {
			return
		}
		list := &part.rules.free
		if asking {
			list = &part.rules.asking
		}
		for _, r := range list.next() {
			if covered := part.rules.covers[r]; covered.fits(part.id) && !f(r) {
				return
			}
		}
	}
}

// A score counts what a rule has granted.
type score struct{ granted atomic.Uint64 }

func (s *score) add(a Action) { s.granted.Add(uint64(bits.OnesCount32(uint32(a)))) }

// reorderEvery is after how many decisions a list is sorted again.
const reorderEvery = 1024

// ordered is a list of rules by score: what they granted, by their cost.
type ordered struct {
	uses atomic.Uint64
	list atomic.Pointer[[]*rule]
}

func (o *ordered) next() []*rule {
	list := *o.list.Load()
	if o.uses.Add(1)%reorderEvery == 0 {
		o.set(list)
	}
	return list
}

func (o *ordered) set(rules []*rule) {
	type scored struct {
		*rule
		score float64
	}
	snapshot := make([]scored, len(rules)) // scores change while others decide
	for i, r := range rules {
		snapshot[i] = scored{r, float64(r.score.granted.Load()+1) / float64(r.condition.facts().cost+1)}
	}
	slices.SortStableFunc(snapshot, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.index, b.index))
	})
	list := make([]*rule, len(rules))
	for i := range snapshot {
		list[i] = snapshot[i].rule
	}
	o.list.Store(&list)
}

// knownTypes are the types of resources of a repository.
var knownTypes = [...]string{
	"AnalyticConnection", "App", "App.Content", "App.DataSegment", "App.Internal", "App.Object", "AppContentQuota", "CompositeEvent",
	"ContentCacheControl", "ContentLibrary", "CustomBannerMessage", "CustomPropertyDefinition", "DataConnection", "EngineService",
	"ExecutionResult", "ExecutionSession", "Extension", "ExternalProductSignOn", "ExternalProgramTask", "FileExtension",
	"FileExtensionWhiteList", "FileReference", "HubSection", "License", "License.AnalyzerAccessGroup", "License.AnalyzerTimeAccessType",
	"License.LoginAccessType", "License.ProfessionalAccessGroup", "License.UserAccessGroup", "OdagEngineGroup", "OdagLink",
	"OdagLinkUsage", "OdagModelGroup", "OdagRequest", "OdagService", "PrintingService", "ProxyService", "QmcSection", "ReloadTask",
	"RepositoryService", "SchedulerService", "SchemaEvent", "ServerNodeConfiguration", "ServiceCluster", "ServiceStatus",
	"SharedContent", "StaticContentReference", "Stream", "SystemNotification", "SystemRule", "Tag", "TempContent", "TermsAcceptance",
	"TransientObject", "User", "UserDirectory", "UserSyncTask", "VirtualProxyConfig",
}
