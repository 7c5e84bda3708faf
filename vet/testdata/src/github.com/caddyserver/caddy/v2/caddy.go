package caddy

type ModuleInfo struct{ ID string }

type Module interface{ CaddyModule() ModuleInfo }

func RegisterModule(m Module) {}
