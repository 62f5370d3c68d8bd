import ts from 'typescript';

/** One small mistake: what stands from `start` to `end` is replaced. Offsets are of UTF-16 units in the text that was parsed. */
export interface Mutant {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

const { SyntaxKind } = ts;

const OPERATORS = new Map<ts.SyntaxKind, string>([
  [SyntaxKind.LessThanToken, '<='],
  [SyntaxKind.LessThanEqualsToken, '<'],
  [SyntaxKind.GreaterThanToken, '>='],
  [SyntaxKind.GreaterThanEqualsToken, '>'],
  [SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [SyntaxKind.AmpersandAmpersandToken, '||'],
  [SyntaxKind.BarBarToken, '&&'],
  [SyntaxKind.QuestionQuestionToken, '&&'],
  [SyntaxKind.PlusToken, '-'],
  [SyntaxKind.MinusToken, '+'],
  [SyntaxKind.AsteriskToken, '/'],
  [SyntaxKind.SlashToken, '*'],
  [SyntaxKind.PercentToken, '*'],
  [SyntaxKind.PlusEqualsToken, '-='],
  [SyntaxKind.MinusEqualsToken, '+='],
  [SyntaxKind.PlusPlusToken, '--'],
  [SyntaxKind.MinusMinusToken, '++'],
]);

/**
 * All mutants of a compiled module: other operators, negated conditions, removed statements, emptied returns, other literals.
 * What is logged, the texts of messages and the examples of components are left alone.
 */
export function mutantsOf(text: string): Mutant[] {
  const source = ts.createSourceFile('module.js', text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const mutants: Mutant[] = [];
  const replace = (node: ts.Node, replacement: string) =>
    mutants.push({ start: node.getStart(source), end: node.end, replacement });
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (isLogged(node, source) || isExamples(node, source)) return;
    mutate(node, source, replace);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants;
}

function mutate(node: ts.Node, source: ts.SourceFile, replace: (node: ts.Node, replacement: string) => void): void {
  const negate = (condition: ts.Expression) => replace(condition, `!(${condition.getText(source)})`);
  if (ts.isBinaryExpression(node)) {
    const other = OPERATORS.get(node.operatorToken.kind);
    if (other !== undefined && !joinsText(node)) replace(node.operatorToken, other);
  } else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const operand = node.operand.getText(source);
    if (node.operator === SyntaxKind.ExclamationToken) replace(node, operand);
    const other = OPERATORS.get(node.operator);
    if (other?.length === 2) replace(node, ts.isPrefixUnaryExpression(node) ? other + operand : operand + other);
  } else if (ts.isIfStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)) {
    negate(node.expression);
  } else if (ts.isConditionalExpression(node)) {
    negate(node.condition);
  } else if (ts.isExpressionStatement(node) || ts.isThrowStatement(node)) {
    if (!isSuperCall(node)) replace(node, ';');
  } else if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) {
    replace(node, ';');
  } else if (ts.isReturnStatement(node)) {
    if (node.expression === undefined) replace(node, ';');
    else if (node.expression.getText(source) !== 'undefined') replace(node, 'return;');
  } else if (ts.isNumericLiteral(node)) {
    replace(node, `(${node.text} + 1)`);
  } else if (node.kind === SyntaxKind.TrueKeyword) {
    replace(node, 'false');
  } else if (node.kind === SyntaxKind.FalseKeyword) {
    replace(node, 'true');
  } else if (ts.isStringLiteral(node) && isValue(node)) {
    replace(node, node.text === '' ? '"mutant"' : '""');
  }
}

/** A single word that is compared, returned or given; text for people has spaces. */
function isValue(node: ts.StringLiteral): boolean {
  const { parent } = node;
  return !node.text.includes(' ') && !('name' in parent && parent.name === node) && !ts.isCallExpression(parent);
}

/** Text that is put together with `+`. */
function joinsText({ left, right }: ts.BinaryExpression): boolean {
  return [left, right].some((side) => ts.isStringLiteralLike(side) || ts.isTemplateExpression(side));
}

function isSuperCall(node: ts.ExpressionStatement | ts.ThrowStatement): boolean {
  return (
    ts.isExpressionStatement(node) &&
    ts.isCallExpression(node.expression) &&
    node.expression.expression.kind === SyntaxKind.SuperKeyword
  );
}

function isLogged(node: ts.Node, source: ts.SourceFile): boolean {
  const call = ts.isExpressionStatement(node) ? node.expression : node;
  return ts.isCallExpression(call) && /logger\??\.(debug|info|warn|error)$/i.test(call.expression.getText(source));
}

function isExamples(node: ts.Node, source: ts.SourceFile): boolean {
  return ts.isPropertyAssignment(node) && node.name.getText(source) === 'examples';
}

/** Whether a text is JavaScript at all: what is not says nothing about tests. */
export function isModule(text: string): boolean {
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(text, { compilerOptions, reportDiagnostics: true }).diagnostics?.length === 0;
}
