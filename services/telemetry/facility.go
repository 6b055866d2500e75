package telemetry

// systemFacility is that of rows that name none.
const systemFacility = "System"

// traceHead are the columns that all trace logs begin with; Id2 is the last one.
var traceHead = []string{"Sequence#", "Timestamp", "Level", "Hostname", "Logger", "Thread", "Id", "ServiceUser", "Message", "Exception", "StackTrace", "ProxySessionId"}

// engineHead are the columns of who and where that logs of the engine begin with.
var engineHead = []string{"ActiveUserDirectory", "ActiveUserId", "EngineTimestamp", "EngineThread", "ProcessId"}

func engine(columns ...string) []string {
	return append(engineHead[:len(engineHead):len(engineHead)], columns...)
}

var taskColumns = []string{"TaskName", "TaskId", "User", "ExecutionId", "AppName", "AppId"}

// facilities are the trace logs of each service, with the columns of their own.
var facilities = map[string]map[string][]string{
	"Repository": {
		"Application": {"Application"},
		"Audit":       {"Action", "ActiveUserDirectory", "ActiveUserId", "ResourceId"},
		"License":     {"AccessTypeId", "AccessType", "Operation", "UserName", "UserId"},
		"Performance": {"Tracenumber", "Httpmethod", "Url", "Resourcetype", "Method", "Elapsedmilliseconds"},
		"System":      nil, "Security": nil, "UserManagement": nil, "Synchronization": nil, "ManagementConsole": {"Browser"}, "RuleAudit": nil,
	},
	"Proxy": {
		"Audit": {"ConnectionId", "ActiveUserDirectory", "ActiveUserId", "TicketId", "IpAddress", "AppId", "TargetHost", "VirtualProxy"},
		"Performance": {
			"ActiveConnections", "ActiveStreams", "ActiveSessions", "LoadBalancingDecisions", "PrintingLoadBalancingDecisions", "Tickets", "ActiveClientWebsockets", "ActiveEngineWebsockets",
		},
		"System": nil, "Security": nil,
	},
	"Scheduler": {
		"Application": {"Application"}, "Audit": nil, "Performance": nil, "Security": nil, "System": taskColumns,
		"TaskExecution": {"TaskId", "TaskName", "AppId", "AppName", "ExecutionId", "ExecutionNodeId", "Status", "StartTime", "StopTime", "Duration", "FailureReason"},
	},
	"Engine": {
		"Audit": engine("ServerStatus", "AppId", "Type", "Qlik Sense User"),
		"Performance": engine(
			"Exe Type", "Exe Version", "Server Started", "Entry Type", "ActiveDocSessions", "DocSessions", "ActiveAnonymousDocSessions", "AnonymousDocSessions", "ActiveTunneledDocSessions",
			"TunneledDocSessions", "DocSessionStarts", "ActiveDocs", "RefDocs", "LoadedDocs", "DocLoads", "DocLoadFails", "Calls", "Selections", "ActiveIpAddrs", "IpAddrs", "ActiveUsers", "Users",
			"CPULoad", "VMCommitted(MB)", "VMAllocated(MB)", "VMFree(MB)", "VMLargestFreeBlock(MB)"),
		"QixPerformance": engine(
			"SessionId", "CServerId", "Server Started", "Method", "RequestId", "Target", "RequestException", "AnyException", "ProcessTime", "WorkTime", "LockTime", "ValidateTime", "TraverseTime",
			"Handle", "AppId", "ObjectId", "ObjectType", "NetRam", "PeakRam"),
		"SSE": engine("QixRequestId", "AppId", "App Title", "SSEPlugin", "SSEPluginAddress"),
		"Session": engine(
			"Exe Version", "Server Started", "AppId", "App Title", "Doc Timestamp", "Exit Reason", "Session Start", "Session Duration", "CPU Spent (s)", "Bytes Received", "Bytes Sent", "Calls", "Selections",
			"Authenticated User", "Secure Protocol"),
		"System": engine("Server Started"), "Traffic": engine(),
	},
}

// facilityOf returns the name and the columns of a service's trace log. One that
// it does not have is System.
func facilityOf(service, facility string) (name string, own []string) {
	if own, known := facilities[service][facility]; known {
		return facility, own
	}
	return systemFacility, facilities[service][systemFacility]
}
