package proxy

// A Service answers requests.
type Service string

// The services of a site.
const (
	Repository Service = "repository"
	Engine     Service = "engine"
	Hub        Service = "hub"
	Console    Service = "console"
	Broker     Service = "broker" // small services behind /api
	DataPrep   Service = "dataprep"
	Printing   Service = "printing"
)

// A route says who answers below the first segment of a path.
type route struct {
	service Service
	sockets bool
	local   bool // we answer
}

// routeOf returns the route of a first segment, in lower case, below the prefix
// of a virtual proxy.
func routeOf(segment string) (r route, ok bool) {
	switch segment {
	case "hub", "sense", "single", "dev-hub", "resources", "qlik-embed":
		return route{service: Hub}, true
	case "qmc":
		return route{service: Console}, true
	case "qrs":
		return route{service: Repository, sockets: true}, true
	case "extensions", "content", "appcontent", "sharedcontent", "tempcontent":
		return route{service: Repository}, true
	case "api":
		return route{service: Broker, sockets: true}, true
	case "reloads":
		return route{service: Broker}, true
	case "app":
		return route{service: Engine, sockets: true}, true
	case "engine":
		return route{service: Engine}, true
	case "printing":
		return route{service: Printing}, true
	case "dataprepservice":
		return route{service: DataPrep, sockets: true}, true
	case "qps":
		return route{local: true}, true
	}
	return route{}, false
}

// Paths that need no login.
const (
	healthPath = "/engine/healthcheck"
	userPath   = "/qps/user"
	csrfPath   = "/qps/csrftoken"
)

func public(path string) bool { return path == healthPath || path == healthPath+"/" }
