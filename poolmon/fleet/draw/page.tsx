// SPDX-License-Identifier: GPL-2.0

// Draws dashboard.json in a page. Grafana's own libraries transform what Prometheus answers, apply
// the options of its fields, and draw it. What Grafana itself would do with a dashboard between
// these is here, in its plainest form: variables, queries and their tables, options that a panel
// does not set, places of panels. draw.mjs serves the page, and reads it.

import { ReactElement, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { lastValueFrom } from 'rxjs'

import {
  applyFieldOverrides, booleanOverrideProcessor, createTheme, DataFrame, DataTransformerConfig,
  displayNameOverrideProcessor, EventBusSrv, Field, FieldConfigProperty, FieldConfigPropertyItem,
  FieldConfigSource, FieldDisplay, FieldType, getDisplayValueAlignmentFactors, getFieldDisplayName,
  getFieldDisplayValues, getPanelOptionsWithDefaults, identityOverrideProcessor,
  numberOverrideProcessor, PanelPlugin, rangeUtil, standardFieldConfigEditorRegistry,
  standardTransformers, standardTransformersRegistry, ThemeContext, thresholdsOverrideProcessor,
  TimeRange, transformDataFrame, unitOverrideProcessor, VizOrientation,
} from '@grafana/data'
import { initPluginTranslations } from '@grafana/i18n'
import { Dashboard, defaultTableFieldOptions, Panel, VariableModel } from '@grafana/schema'
import { defaultOptions as stat }
  from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen'
import { defaultOptions as table }
  from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen'
import { BigValue, GlobalStyles, PanelChrome, PanelContextProvider, TimeSeries, VizRepeater }
  from '@grafana/ui'
import { TableNG } from '@grafana/ui/unstable'

// What draw.mjs asks for: which Prometheus, how often it scrapes, what is chosen of a variable
// (else all), how wide the page is.
interface Wish {
  prometheus: string
  scrape: number
  chosen: Record<string, string[]>
  width: number
}

interface Target {
  refId: string
  expr: string
  legendFormat?: string
  instant?: boolean
  range?: boolean
  format?: string
}

const wish: Wish = JSON.parse(document.getElementById('wish')!.textContent!)
const theme = createTheme({ colors: { mode: 'light' } })
const zone = 'utc'

// Of the answers, what a frame needs.
interface Series {
  metric: Record<string, string>
  value?: [number, string]
  values?: Array<[number, string]>
}

async function ask(path: string, parameters: Record<string, string>): Promise<any> {
  const url = `${wish.prometheus}/api/v1/${path}?${new URLSearchParams(parameters)}`
  const answer = await (await fetch(url)).json()
  if (answer.status !== 'success') {
    throw new Error(`${path}: ${answer.error}: ${parameters.query}`)
  }
  return answer.data
}

// Variables. Several values are a regex of them, in a string of PromQL; all of them are what the
// variable says.

const values: Record<string, string> = {}

function filled(text: string, more: Record<string, string> = {}): string {
  return text.replace(/\$(\w+)|\$\{(\w+)\}/g, (whole, plain, braced) => {
    const value = more[plain ?? braced] ?? values[plain ?? braced]
    if (value === undefined) {
      throw new Error(`${text}: there is no variable ${whole}`)
    }
    return value
  })
}

async function fill(variable: VariableModel): Promise<void> {
  if (variable.type === 'datasource') {
    values[variable.name] = variable.query as string
    return
  }
  const query = filled((variable.query as { query: string }).query)
  const [, metric, label] = /^label_values\((.*), (\w+)\)$/.exec(query)!
  const found: string[] = await ask(`label/${label}/values`, { 'match[]': metric })
  const chosen = wish.chosen[variable.name]
  for (const value of chosen ?? []) {
    if (!found.includes(value)) {
      throw new Error(`${variable.name}: ${query} has not ${value}, but ${found}`)
    }
  }
  if (!chosen) {
    // What is chosen when the dashboard is opened.
    if (String(variable.current?.value) !== '$__all' || !variable.includeAll || !found.length) {
      throw new Error(`${variable.name}: not all of ${found} are chosen at first`)
    }
    values[variable.name] = variable.allValue ?? ''
  } else {
    values[variable.name] = `(${chosen.map(value =>
      value.replace(/[\\^$*+?.()|[\]{}]/g, '\\\\$&')).join('|')})`
  }
}

// Queries.

function number(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text)
}

function legend(target: Target, metric: Record<string, string>): string {
  if (target.legendFormat) {
    return target.legendFormat.replace(/{{\s*(\w+)\s*}}/g, (_, name) => metric[name] ?? '')
  }
  const { __name__: name = '', ...labels } = metric
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
  return name + (pairs.length ? `{${pairs.join(', ')}}` : '') || target.expr
}

function frame(refId: string, name: string | undefined, fields: Field[]): DataFrame {
  return { refId, name, fields, length: fields[0]?.values.length ?? 0 }
}

function times(values: number[], interval?: number): Field {
  return { name: 'Time', type: FieldType.time, config: { interval }, values }
}

// One frame of all series: a column for the time, for each label and for the value.
function tabled(target: Target, alone: boolean, found: Series[]): DataFrame[] {
  const labels = [...new Set(found.flatMap(series => Object.keys(series.metric)))].sort()
  return [frame(target.refId, undefined, [
    times(found.map(series => series.value![0] * 1000)),
    ...labels.map(name => ({
      name, type: FieldType.string, config: {},
      values: found.map(series => series.metric[name] ?? ''),
    })),
    {
      name: alone ? 'Value' : `Value #${target.refId}`, type: FieldType.number, config: {},
      values: found.map(series => number(series.value![1])),
    },
  ])]
}

async function query(target: Target, alone: boolean, range: TimeRange, points: number)
  : Promise<DataFrame[]> {
  const { intervalMs } = rangeUtil.calculateInterval(range, points, `${wish.scrape}s`)
  const step = intervalMs / 1000
  const [from, to] = [range.from.unix(), range.to.unix()]
  const expr = filled(target.expr, {
    __interval: `${step}s`,
    __range: `${to - from}s`,
    __rate_interval: `${Math.max(step + wish.scrape, 4 * wish.scrape)}s`,
  })
  const found: Series[] = target.instant
    ? (await ask('query', { query: expr, time: `${to}` })).result
    : (await ask('query_range', {
      query: expr, step: `${step}`,
      start: `${Math.floor(from / step) * step}`, end: `${Math.floor(to / step) * step}`,
    })).result
  if (target.format === 'table') {
    return found.length ? tabled(target, alone, found) : []
  }
  return found.map(series => {
    const points = series.values ?? [series.value!]
    const name = legend(target, series.metric)
    return frame(target.refId, name, [
      times(points.map(([time]) => time * 1000), intervalMs),
      {
        name: 'Value', type: FieldType.number, labels: series.metric,
        config: { displayNameFromDS: name }, values: points.map(([, value]) => number(value)),
      },
    ])
  })
}

// Options that a panel does not set have the values that an exported dashboard shows for them.

function option(id: string, override: FieldConfigPropertyItem['process'], defaultValue?: unknown)
  : FieldConfigPropertyItem {
  return {
    id, path: id, name: id, defaultValue, editor: () => null, override: () => null,
    process: override, shouldApply: () => true,
  }
}

const P = FieldConfigProperty
standardFieldConfigEditorRegistry.setInit(() => [
  option(P.Unit, unitOverrideProcessor),
  option(P.Min, numberOverrideProcessor),
  option(P.Max, numberOverrideProcessor),
  option(P.FieldMinMax, booleanOverrideProcessor),
  option(P.Decimals, numberOverrideProcessor),
  option(P.DisplayName, displayNameOverrideProcessor),
  option(P.NoValue, identityOverrideProcessor),
  option(P.Color, identityOverrideProcessor, { mode: 'thresholds' }),
  option(P.Mappings, identityOverrideProcessor, []),
  option(P.Thresholds, thresholdsOverrideProcessor, {
    mode: 'absolute', steps: [{ color: 'green', value: null }, { color: 'red', value: 80 }],
  }),
])
// Some have two names there.
standardTransformersRegistry.setInit(() => {
  const all = new Set<any>(Object.values(standardTransformers))
  return [...all].map(one => ({ ...one, transformation: async () => one, editor: () => null }))
})

// plugin OPTIONS CUSTOM COLOR: a kind of panel, with what its fields can have beside the standard
function plugin(options: object, custom: Record<string, unknown>, color?: string) {
  return new PanelPlugin(null).setDefaults(options).useFieldConfig({
    standardOptions: color ? { [P.Color]: { defaultValue: { mode: color } } } : {},
    useCustomConfig: builder => {
      for (const [name, defaultValue] of Object.entries(custom)) {
        const { id, ...item } = option(name, identityOverrideProcessor, defaultValue)
        builder.addCustomEditor({ ...item, id: name } as any)
      }
    },
  })
}

const plugins: Record<string, PanelPlugin> = {
  stat: plugin({ ...stat, reduceOptions: { values: false, calcs: ['lastNotNull'], fields: '' },
    orientation: 'auto' }, {}),
  table: plugin(table, { ...defaultTableFieldOptions, cellOptions: { type: 'auto' },
    width: undefined, minWidth: undefined, filterable: undefined }),
  timeseries: plugin({
    legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
    tooltip: { mode: 'single', sort: 'none' },
  }, {
    axisBorderShow: false, axisCenteredZero: false, axisColorMode: 'text', axisLabel: '',
    axisPlacement: 'auto', barAlignment: 0, drawStyle: 'line', fillOpacity: 0,
    gradientMode: 'none', hideFrom: { tooltip: false, viz: false, legend: false },
    insertNulls: false, lineInterpolation: 'linear', lineStyle: { fill: 'solid' }, lineWidth: 1,
    pointSize: 5, scaleDistribution: { type: 'linear' }, showPoints: 'auto', spanNulls: false,
    stacking: { mode: 'none', group: 'A' }, thresholdsStyle: { mode: 'off' },
  }, 'palette-classic'),
}

// Panels.

interface Drawn {
  panel: Panel
  options: any
  fieldConfig: FieldConfigSource
  frames: DataFrame[]
  range: TimeRange
}

function Stats({ options, fieldConfig, frames, width, height }: Drawn & Size) {
  const shown = () => getFieldDisplayValues({
    data: frames, fieldConfig, reduceOptions: options.reduceOptions, theme, timeZone: zone,
    replaceVariables: text => filled(text), sparkline: options.graphMode !== 'none',
  })
  return <VizRepeater<FieldDisplay, any> getValues={shown} source={frames} renderCounter={1}
    width={width} height={height} orientation={options.orientation as VizOrientation}
    autoGrid={true}
    getAlignmentFactors={getDisplayValueAlignmentFactors}
    renderValue={({ value, width, height, count, alignmentFactors }) => {
      return <BigValue value={value.display} sparkline={value.sparkline} count={count}
        width={width} height={height} theme={theme} colorMode={options.colorMode}
        graphMode={options.graphMode} justifyMode={options.justifyMode}
        textMode={options.textMode} alignmentFactors={alignmentFactors}
        disableWideLayout={!options.wideLayout} />
    }} />
}

function Rows({ options, fieldConfig, frames, width, height }: Drawn & Size) {
  const [sortBy, sort] = useState(options.sortBy)
  return <TableNG data={frames[options.frameIndex]} width={width} height={height} sortBy={sortBy}
    onSortByChange={sort} noHeader={!options.showHeader} showTypeIcons={options.showTypeIcons}
    cellHeight={options.cellHeight} fieldConfig={fieldConfig} structureRev={1} />
}

function Lines({ options, frames, range, width, height }: Drawn & Size) {
  return <TimeSeries frames={frames} structureRev={1} width={width} height={height}
    timeRange={range} timeZone={zone} legend={options.legend} options={options} />
}

const kinds: Record<string, (drawn: Drawn & Size) => ReactElement> = {
  stat: Stats, table: Rows, timeseries: Lines,
}

interface Size {
  width: number
  height: number
}

// A place of a grid with 24 columns.
function place({ x, y, w, h }: { x: number, y: number, w: number, h: number }) {
  const column = (wish.width - 8) / 24
  return { left: 8 + x * column, top: 8 + y * 38, width: w * column - 8, height: h * 38 - 8 }
}

async function prepare(panel: Panel, range: TimeRange): Promise<Drawn> {
  const kind = plugins[panel.type]
  const { options, fieldConfig } = getPanelOptionsWithDefaults({
    plugin: kind, currentOptions: panel.options ?? {},
    currentFieldConfig: panel.fieldConfig as FieldConfigSource, isAfterPluginChange: false,
  })
  const targets = panel.targets as unknown as Target[]
  const points = Math.floor(place(panel.gridPos!).width)
  const found = await Promise.all(targets.map(target =>
    query(target, targets.length === 1, range, points)))
  for (const { id } of panel.transformations ?? []) {
    if (!standardTransformersRegistry.getIfExists(id)) {
      throw new Error(`${panel.title}: there is no transformation ${id}`)
    }
  }
  const transformed = await lastValueFrom(transformDataFrame(
    (panel.transformations ?? []) as DataTransformerConfig[], found.flat(),
    { interpolate: text => filled(text) }))
  const frames = applyFieldOverrides({
    data: transformed, fieldConfig, replaceVariables: text => filled(text), theme, timeZone: zone,
    fieldConfigRegistry: kind.fieldConfigRegistry,
  })
  return { panel, options, fieldConfig, frames, range }
}

const bus = new EventBusSrv()

function Drawing(drawn: Drawn) {
  const { panel, frames } = drawn
  const { left, top, width, height } = place(panel.gridPos!)
  const Kind = kinds[panel.type]
  const empty = frames.every(({ length, fields }) => length === 0 || fields.length === 0)
  return <section data-panel={panel.id} style={{ position: 'absolute', left, top, width, height }}>
    <PanelContextProvider value={{ eventBus: bus, eventsScope: '', onSplitOpen: undefined } as any}>
      <PanelChrome title={panel.title} description={panel.description} width={width}
        height={height} padding={panel.type === 'table' ? 'none' : 'md'}>
        {(width, height) => empty
          ? <p>No data</p>
          : <Kind {...drawn} width={width} height={height} />}
      </PanelChrome>
    </PanelContextProvider>
  </section>
}

async function main() {
  await initPluginTranslations('draw')
  const board: Dashboard = await (await fetch('dashboard.json')).json()
  const range = rangeUtil.convertRawToRange(
    { from: board.time!.from, to: board.time!.to }, zone)
  for (const variable of board.templating!.list!) {
    await fill(variable)
  }
  const panels = board.panels as Panel[]
  const drawn = await Promise.all(panels.map(panel => prepare(panel, range)))
  const bottom = Math.max(...panels.map(({ gridPos }) => gridPos!.y + gridPos!.h))
  // What a test cannot see in a canvas.
  const told = drawn.map(({ panel, frames }) => ({
    id: panel.id,
    fields: frames.flatMap(one => one.fields.map(field => ({
      name: getFieldDisplayName(field, one, frames),
      color: field.type === FieldType.number && panel.type === 'timeseries'
        ? field.display!(0).color : undefined,
      last: field.display!(field.values[field.values.length - 1]).text,
      suffix: field.display!(field.values[field.values.length - 1]).suffix,
    }))),
  }))
  createRoot(document.getElementById('board')!).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: 'relative', height: 8 + bottom * 38 }}>
        {drawn.map(one => <Drawing key={one.panel.id} {...one} />)}
      </div>
    </ThemeContext.Provider>)
  await document.fonts.ready
  await new Promise(done => setTimeout(done, 500))
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
  Object.assign(window, { drawn: told })
}

main().catch(wrong => {
  Object.assign(window, { wrong: `${wrong.stack ?? wrong}` })
})
