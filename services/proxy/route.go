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

// routes are the paths of a site, below the prefix of a virtual proxy.
func routes() map[string]route {
	return map[string]route{
		"hub":             {service: Hub},
		"sense":           {service: Hub},
		"single":          {service: Hub},
		"dev-hub":         {service: Hub},
		"resources":       {service: Hub},
		"qmc":             {service: Console},
		"qrs":             {service: Repository, sockets: true},
		"extensions":      {service: Repository},
		"content":         {service: Repository},
		"appcontent":      {service: Repository},
		"tempcontent":     {service: Repository},
		"api":             {service: Broker, sockets: true},
		"reloads":         {service: Broker},
		"app":             {service: Engine, sockets: true},
		"engine":          {service: Engine},
		"printing":        {service: Printing},
		"dataprepservice": {service: DataPrep, sockets: true},
		"qps":             {local: true},
	}
}

// Paths that need no login.
const (
	healthPath = "/engine/healthcheck"
	userPath   = "/qps/user"
	csrfPath   = "/qps/csrftoken"
)

func public(path string) bool { return path == healthPath || path == healthPath+"/" }
