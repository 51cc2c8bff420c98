"""The other end of the Modbus cable: furnaces, grids and meters that answer as the real ones do. Imports `wire` only."""
